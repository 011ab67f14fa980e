"""Typed stubs of every activity that a workflow may call, and the names of the task queues.

`activities` implements `run_attempt`, `control` the others; a test holds their names and types
equal to these. Workflows import only this file, so no I/O code enters the sandbox.
"""

from temporalio import activity

from spec.attempts import AttemptOutcome, AttemptRef, TaskRef
from spec.events import Projection
from spec.plans import Expansion
from spec.publish import LandRequest, PublishOutcome, PublishRequest
from spec.statements import StatementClosing, StatementRef
from spec.tasks import Engine
from spec.triggers import BackfillRef, BackfillStep, TriggerStep, TriggerTick

WORKFLOW_QUEUE = "workflows"

CHILD_QUEUE = "child-runs"
"""The control worker's queue for following the runs of run_job tasks: they take long and do
little, and must not keep the short control activities from their slots."""


CARE_QUEUE = "table-care"
"""The control worker's queue for deleting files of tables: it takes long and needs memory."""


def engine_queue(engine: Engine) -> str:
    """Return the queue of the worker pool for this engine; pools are scaled apart."""
    return f"tasks-{engine.value}"


def host_queue(host: str) -> str:
    """Return the queue that only the engine worker on this host polls.

    Work that lives on one machine (a detached process) is re-attached over this queue.
    """
    return f"tasks@{host}"


WRONG_HOST = "WrongHost"
"""Type of the failure by which a worker says: this attempt's work is on the host in the details."""


@activity.defn(name="run_attempt")
async def run_attempt(ref: AttemptRef) -> AttemptOutcome:
    """Drive one attempt to its end: submit once, follow, ship logs and output, report.

    Raises:
        ApplicationError: type `WrongHost`, details (host, handle): call again on that host's queue.
    """
    raise NotImplementedError


@activity.defn(name="project")
async def project(projection: Projection) -> None:
    """Append the events and update the run's rows in one transaction; harmless when repeated."""
    raise NotImplementedError


@activity.defn(name="land")
async def land(request: LandRequest) -> AttemptOutcome:
    """Close an attempt that succeeded and merge its branch into the run's, once.

    Returns:
        The outcome it was given; or one with the result CONFLICT and the table and task in its
        message, when another task landed a change of the same table since the branch was cut.
    """
    raise NotImplementedError


@activity.defn(name="publish")
async def publish(request: PublishRequest) -> PublishOutcome:
    """Merge the run's branch into main, once; after a conflict, cut it anew if the policy says."""
    raise NotImplementedError


@activity.defn(name="judge")
async def judge(ref: TaskRef) -> AttemptOutcome:
    """Compare the two values of a condition task; the outcome names the branch."""
    raise NotImplementedError


@activity.defn(name="expand")
async def expand(ref: TaskRef) -> Expansion:
    """Read and keep the inputs of a for-each attempt; repeated, it answers the same.

    Raises:
        ApplicationError: not retryable: the inputs are no JSON array, or too many.
    """
    raise NotImplementedError


@activity.defn(name="run_child")
async def run_child(ref: TaskRef) -> AttemptOutcome:
    """Admit the run of a run_job task, once, and follow it to its end; cancelled, cancel it."""
    raise NotImplementedError


@activity.defn(name="remove_files")
async def remove_files(ref: TaskRef) -> AttemptOutcome:
    """Delete the files that a table_care task asks for; cut off, go on where it was.

    Cancelled, it stops between two batches and says so in the outcome.
    """
    raise NotImplementedError


@activity.defn(name="advance_trigger")
async def advance_trigger(tick: TriggerTick) -> TriggerStep:
    """Start the run that a job's trigger wants now, if it wants one, once; say when to ask again.

    What is due depends on time-zone data, tables and files, none of which may enter a replay.
    """
    raise NotImplementedError


@activity.defn(name="advance_backfill")
async def advance_backfill(ref: BackfillRef) -> BackfillStep:
    """Start the next runs of a backfill, as far as its limit allows; harmless when repeated."""
    raise NotImplementedError


@activity.defn(name="run_statement")
async def run_statement(ref: StatementRef) -> None:
    """Run one SQL statement on its warehouse and report how it ended; on the warehouse's queue.

    Run again after a worker's death it goes on with the engine's query, runs it again if that is
    harmless, or finds out whether it took effect. Cancelled, it stops the engine's query first.
    """
    raise NotImplementedError


@activity.defn(name="close_statement")
async def close_statement(closing: StatementClosing) -> bool:
    """End a statement that nobody else has ended; harmless when somebody has.

    Returns:
        False when its query may still run at the engine: it is to be stopped first.
    """
    raise NotImplementedError
