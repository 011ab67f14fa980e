"""Writes down what became of a publication, and says it for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.gateway.references import Changed, Entry, Key
from control.gateway.routes import dotted
from control.gateway.tables import NO_SNAPSHOT
from control.gateway.tokens import MAIN
from control.runs.plans import rerun_after
from control.transactions import store
from control.transactions.context import Context
from control.transactions.merging import tables_of
from control.transactions.names import LANDINGS, landed_by
from control.transactions.tables import AttemptBranch, Transaction, TransactionState
from control.transactions.writers import writer_on_main
from spec.ids import split_iteration
from spec.jobs import JobSettings
from spec.publish import PublishOutcome

MOST_MESSAGE = 1_000


async def note_published(
    context: Context, session: AsyncSession, row: Transaction, entry: Entry | None
) -> None:
    """Note that a transaction is on main, with the tables; None: it had nothing to publish."""
    changed: Sequence[Changed] = ()
    if entry is not None:
        changed = await tables_of(context.references, MAIN, entry)
    landed: dict[str, AttemptBranch] = {}
    for landing in await store.landings(session, row):
        landed |= dict.fromkeys(landing.tables, landing)
    row.tables = [
        {
            "table": dotted(change.key),
            "snapshot_id": _snapshot(change),
            "task_key": landed[dotted(change.key)].task_key,
            "task_run_id": landed[dotted(change.key)].task_run_id,
        }
        for change in changed
        if dotted(change.key) in landed
    ]
    row.published_hash = None if entry is None else entry.hash
    row.conflicts, row.message = [], ""
    store.conclude(row, TransactionState.PUBLISHED)
    tables = tuple(each["table"] for each in row.tables)
    row.answer = PublishOutcome(published=True, tables=tables).model_dump(mode="json")


def _snapshot(change: Changed) -> int | None:
    return None if change.snapshot_id == NO_SNAPSHOT else change.snapshot_id


async def note_conflict(
    context: Context, session: AsyncSession, row: Transaction, keys: Sequence[Key], onto: str
) -> None:
    """Note what stood in the way of a publication, and who."""
    landings = await _landings(context, session, row)
    found = [await _conflict(context, row, key, landings, onto) for key in keys]
    row.message = _sentence(found)
    settings = await store.settings_of(session, row.run_id)
    found += _resting_on(settings, landings, {key for each in found for key in each["task_keys"]})
    row.conflicts, row.conflict_hash, row.state = found, onto, TransactionState.CONFLICT


Landing = tuple[str, frozenset[Key]]
"""A task and what it landed, in the order of the landings."""


async def _landings(context: Context, session: AsyncSession, row: Transaction) -> list[Landing]:
    tasks = {each.task_run_id: each.task_key for each in await store.landings(session, row)}
    history = context.references.history(
        row.branch, since=row.base_hash, where=LANDINGS, changes=True
    )
    found: list[Landing] = []
    async for entry in history:
        task_key = tasks.get(landed_by(entry.message) or 0)
        if task_key is not None:
            found.append((task_key, frozenset(change.key for change in entry.changes)))
    return found[::-1]


async def _conflict(
    context: Context, row: Transaction, key: Key, landings: Sequence[Landing], onto: str
) -> dict[str, Any]:
    # A namespace that is not empty, or not there any more, concerns all that is in it.
    mine = {
        task_key
        for task_key, keys in landings
        if any(changed[: len(key)] == key for changed in keys)
    }
    by = await writer_on_main(context, key, row.workspace_id, row.base_hash, onto)
    return {"table": dotted(key), "task_keys": sorted(mine), "by": by}


def _resting_on(
    settings: JobSettings, landings: Sequence[Landing], writers: set[str]
) -> list[dict[str, Any]]:
    """Return what others landed on top of a table of tasks that run again: so do they."""
    found: list[dict[str, Any]] = []
    again = rerun_after(settings, writers)
    while True:
        before, dirty = len(again), dict[Key, str]()
        for task_key, keys in landings:
            name = split_iteration(task_key)[0]
            below = sorted(key for key in keys if key in dirty)
            if name not in again and below:
                again |= rerun_after(settings, {name})
                text = f"task '{dirty[below[0]]}' of this run, which has to run again"
                by = {"text": text}
                found.append({"table": dotted(below[0]), "task_keys": [task_key], "by": by})
            if name in again:
                dirty |= dict.fromkeys(keys, task_key)
        if len(again) == before:
            return found


def _sentence(conflicts: Sequence[Mapping[str, Any]]) -> str:
    parts = [
        f"{each['table']} (written here by {_tasks(each['task_keys'])}, meanwhile changed by"
        f" {each['by']['text']})"
        for each in conflicts
    ]
    text = "Nothing was published: somebody else has changed " + "; ".join(parts) + "."
    return text if len(text) <= MOST_MESSAGE else text[: MOST_MESSAGE - 1] + "…"


def _tasks(keys: Sequence[str]) -> str:
    return ", ".join(f"task '{key}'" for key in keys) or "this run"


def refusal(row: Transaction, *, cut_anew: bool) -> PublishOutcome:
    """Return the answer to a publish request that met a conflict."""
    return PublishOutcome(
        published=False,
        tables=tuple(each["table"] for each in row.conflicts),
        message=row.message,
        writers=tuple(sorted({key for each in row.conflicts for key in each["task_keys"]})),
        cut_anew=cut_anew,
    )
