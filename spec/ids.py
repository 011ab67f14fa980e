"""Identifiers: how runs, task runs and workflows are numbered and spelled.

A run's id leaves its low 20 bits free; its attempts get `run_id + n`: the first ones of its tasks
in the job's order, all others behind them in the order they are made. So a task run's id is chosen
by the pure state machine, is unique without asking anybody, names its run by itself, and stays a
JSON number that JavaScript reads exactly (below 2**53).
"""

from collections.abc import Iterable
from uuid import UUID

ATTEMPT_BITS = 20
"""A run may start 2**20 - 1 = 1,048,575 attempts in its life, repairs included."""

MAX_ATTEMPTS = (1 << ATTEMPT_BITS) - 1


def run_id_at(number: int) -> int:
    """Return the id of the run with this sequence number (1, 2, 3, …)."""
    return number << ATTEMPT_BITS


def task_run_id(run_id: int, ordinal: int) -> int:
    """Return the id of the run's `ordinal`-th attempt, counted from 1.

    Raises:
        ValueError: the run has used up its attempts.
    """
    if not 1 <= ordinal <= MAX_ATTEMPTS:
        raise ValueError(f"a run can start {MAX_ATTEMPTS} attempts; this would be number {ordinal}")
    return run_id + ordinal


def reserved_ids(run_id: int, used: int, task_keys: Iterable[str]) -> dict[str, int]:
    """Return the ids that are kept for the first attempts of a run's tasks, by task key.

    So a task has its id from the moment the run is admitted, as on Databricks. All later attempts
    get the ids behind these, in the order they are made.

    Args:
        run_id: The run.
        used: How many ids earlier executions of the run have used.
        task_keys: All tasks that the execution is about, in the job's order.
    """
    return {key: task_run_id(run_id, used + n) for n, key in enumerate(task_keys, 1)}


def run_of(any_id: int) -> int:
    """Return the run id of a run or of one of its task runs."""
    return any_id >> ATTEMPT_BITS << ATTEMPT_BITS


def is_task_run(any_id: int) -> bool:
    """Tell a task run's id from a run's."""
    return any_id != run_of(any_id)


def workflow_id(run_id: int, execution: int) -> str:
    """Spell the Temporal workflow id of a run's execution: 0 is the original, n the n-th repair."""
    return f"run/{run_id}" if execution == 0 else f"run/{run_id}/repair/{execution}"


def execution_of(workflow: str) -> tuple[int, int] | None:
    """Return (run id, execution) of a run's own workflow id; None for any other."""
    match workflow.split("/"):
        case ["run", run_id]:
            return int(run_id), 0
        case ["run", run_id, "repair", execution]:
            return int(run_id), int(execution)
        case _:
            return None


def for_each_workflow_id(run_id: int, execution: int, for_each_run_id: int) -> str:
    """Spell the workflow id of a for-each attempt."""
    return f"{workflow_id(run_id, execution)}/for-each/{for_each_run_id}"


def part_workflow_id(run_id: int, execution: int, for_each_run_id: int, stream: int) -> str:
    """Spell the workflow id of a part of a for-each, which runs some of its iterations."""
    return f"{for_each_workflow_id(run_id, execution, for_each_run_id)}/{stream}"


def trigger_workflow_id(job_id: int) -> str:
    """Spell the workflow id of the trigger of a job; there is at most one."""
    return f"trigger/{job_id}"


def backfill_workflow_id(backfill_id: int) -> str:
    """Spell the workflow id of a backfill."""
    return f"backfill/{backfill_id}"


def statement_workflow_id(statement_id: str) -> str:
    """Spell the workflow id of a SQL statement."""
    return f"statement/{statement_id}"


def iteration_key(task_key: str, index: int) -> str:
    """Spell the key of one iteration of a for-each task; no task can be called so."""
    return f"{task_key}[{index}]"


def split_iteration(key: str) -> tuple[str, int | None]:
    """Return (task key, index) of an iteration's key; the index of any other task is None."""
    task_key, bracket, index = key.partition("[")
    return task_key, int(index[:-1]) if bracket else None


def submit_key(any_task_run_id: int) -> str:
    """Spell the name under which an attempt's outside work can be found again.

    It is used as the process folder, the Spark application name and the Trino query source.
    """
    return f"openlake-{any_task_run_id}"


_LINEAGE_BASE = 0x6F70656E_6C61_7000_8000_000000000000


def lineage_run_id(any_id: int) -> UUID:
    """Return the OpenLineage run id (a UUID) of a run or task run; the same one every time."""
    return UUID(int=_LINEAGE_BASE | any_id)


def id_of_lineage_run(lineage_run: UUID) -> int | None:
    """Return the run or task run an OpenLineage run id stands for; None when it is not ours."""
    number = lineage_run.int & ((1 << 53) - 1)
    return number if number and lineage_run_id(number) == lineage_run else None
