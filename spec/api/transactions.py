"""Shapes of `/api/openlake/1.0/…/transaction`: runs that are transactions."""

from datetime import datetime

from spec.model import Model


class PublishedTable(Model):
    """One table that a run published."""

    table: str
    """Dotted name."""
    snapshot_id: str | None = None
    """Absent for a view, a table without rows, and a table that was dropped."""
    task_key: str
    task_run_id: int
    """The attempt that landed it last."""


class Writer(Model):
    """Who else has changed a table."""

    text: str
    """For people."""
    job_id: int | None = None
    run_id: int | None = None
    task_key: str | None = None
    task_run_id: int | None = None
    principal: str | None = None
    statement_id: str | None = None


class TransactionConflict(Model):
    """One table that stood in the way of a publication."""

    table: str
    task_keys: tuple[str, ...]
    """The tasks of the run that wrote it."""
    by: Writer


class AttemptBranchView(Model):
    """The catalog branch of one attempt."""

    task_run_id: int
    task_key: str
    branch: str
    base_hash: str
    """The commit of the run's branch that it was cut from."""
    state: str
    """OPENING, OPEN, LANDED or ABANDONED."""
    landed_hash: str | None = None
    landed_at: datetime | None = None
    tables: tuple[str, ...] = ()
    """What it landed."""
    dropped_at: datetime | None = None


class TransactionView(Model):
    """One catalog branch of a run."""

    run_id: int
    number: int
    """0 for the run's first branch; the next ones were cut anew."""
    job_id: int
    branch: str
    base_hash: str
    """The commit of main it was cut from: the moment of all tables that the run reads."""
    state: str
    """OPENING, OPEN, PUBLISHING, PUBLISHED, CONFLICT, KEPT, DROPPED or REPLACED."""
    replay_of: int | None = None
    """The run that this one runs again; it is never published."""
    published_hash: str | None = None
    """The commit of main that published it."""
    tables: tuple[PublishedTable, ...] = ()
    conflicts: tuple[TransactionConflict, ...] = ()
    message: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    drop_after: datetime | None = None
    """When the branch may be dropped; absent while it is in use."""
    dropped_at: datetime | None = None


class RunTransaction(TransactionView):
    """The newest transaction of a run, with its attempts' branches and the transactions before."""

    attempts: tuple[AttemptBranchView, ...] = ()
    """In the order of the attempts; the newest 1,000."""
    earlier: tuple[TransactionView, ...] = ()


class TransactionList(Model):
    """A page of the transactions of a workspace, those of newer runs first."""

    transactions: tuple[TransactionView, ...] = ()
    next_page_token: str | None = None
