"""The inputs of for-each attempts: read, kept, and which of them have still to run."""

import json
from typing import Any, cast

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.tables import ForEachInput, ForEachRun, TaskRun
from spec.attempts import TaskRef
from spec.errors import Invalid
from spec.ids import split_iteration
from spec.plans import Span
from spec.states import TaskResult

MOST_ITERATIONS = 100_000
MOST_INPUT_BYTES = 4 * 1024 * 1024


def read_inputs(text: str, task_key: str) -> list[Any]:
    """Return the inputs of a for-each from their text.

    Raises:
        Invalid: the text is no JSON array, or it is too large.
    """
    if len(text.encode()) > MOST_INPUT_BYTES:
        raise Invalid(
            f"the inputs of '{task_key}' have {len(text.encode())} bytes; {MOST_INPUT_BYTES} are"
            " allowed: write them to a table and pass ranges of it"
        )
    try:
        inputs = json.loads(text)
    except ValueError:
        inputs = None
    if not isinstance(inputs, list):
        shown = text if len(text) <= 100 else f"{text[:100]}…"
        raise Invalid(
            f"the inputs of '{task_key}' must be a JSON array, e.g. [1, 2, 3]; they are: {shown}"
        )
    values = cast(list[Any], inputs)
    if len(values) > MOST_ITERATIONS:
        raise Invalid(f"'{task_key}' has {len(values)} inputs; {MOST_ITERATIONS} are allowed")
    return values


def spans(indices: list[int]) -> tuple[Span, ...]:
    """Write ascending numbers as (first, count) of those that follow each other."""
    found: list[Span] = []
    for index in indices:
        if found and sum(found[-1]) == index:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((index, 1))
    return tuple(found)


async def done_before(
    session: AsyncSession, ref: TaskRef, inputs: list[Any], void_until: int = 0
) -> set[int]:
    """Return the iterations that earlier attempts of this for-each did for the same input.

    Args:
        session: A read session will do.
        ref: The for-each attempt.
        inputs: Its inputs.
        void_until: What was done up to this task-run id does not count; see `control.runs.anew`.
    """
    attempts = select(ForEachRun.task_run_id).where(
        ForEachRun.run_id == ref.run_id, ForEachRun.task_key == ref.task_key
    )
    succeeded = select(col(TaskRun.for_each_run_id), TaskRun.task_key).where(
        col(TaskRun.for_each_run_id).in_(attempts),
        TaskRun.result == TaskResult.SUCCESS.value,
        TaskRun.task_run_id > void_until,
    )
    done = {
        (for_each_run_id, split_iteration(task_key)[1])
        for for_each_run_id, task_key in (await session.exec(succeeded)).all()
    }
    if not done:
        return set()
    given = select(ForEachInput).where(col(ForEachInput.task_run_id).in_(attempts))
    return {
        row.index
        for row in (await session.exec(given)).all()
        if (row.task_run_id, row.index) in done
        and row.index < len(inputs)
        and inputs[row.index] == row.input
    }


async def keep_inputs(
    session: AsyncSession, ref: TaskRef, inputs: list[Any], todo: tuple[Span, ...]
) -> None:
    """Store the inputs of a for-each attempt; harmless when repeated."""
    row = {
        "task_run_id": ref.task_run_id,
        "run_id": ref.run_id,
        "task_key": ref.task_key,
        "total": len(inputs),
        "todo": [list(span) for span in todo],
        "last_ordinal": 0,
    }
    await session.exec(insert(ForEachRun).values(row).on_conflict_do_nothing())
    for start in range(0, len(inputs), 5_000):
        rows = [
            {"task_run_id": ref.task_run_id, "index": i, "input": value}
            for i, value in enumerate(inputs[start : start + 5_000], start)
        ]
        await session.exec(insert(ForEachInput).values(rows).on_conflict_do_nothing())
