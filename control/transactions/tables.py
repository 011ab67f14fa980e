"""Tables of runs that are transactions.

What the catalog holds is the truth: a merge is recognised there by its message. These rows say what
was intended, and are what people read.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_list, json_object


class TransactionState(StrEnum):
    """Where a run's transaction stands."""

    OPENING = "OPENING"
    """The branch is about to be made (or, after a conflict, filled with what is kept)."""
    OPEN = "OPEN"
    """The run's attempts land on its branch."""
    PUBLISHING = "PUBLISHING"
    """A merge into main is under way; what became of it stands in the catalog."""
    PUBLISHED = "PUBLISHED"
    CONFLICT = "CONFLICT"
    """Somebody else has published one of its tables. Nothing of it is on main."""
    KEPT = "KEPT"
    """The run ended without publishing; the branch is kept for inspection and repair."""
    DROPPED = "DROPPED"
    """The branch is gone, and with it what was never published."""
    REPLACED = "REPLACED"
    """The branch was cut anew as the run's next transaction."""


class Transaction(SQLModel, table=True):
    """One catalog branch of a run; a run has more than one when its branch was cut anew."""

    __tablename__ = "transactions"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_transactions_drop", "drop_after", postgresql_where=text("dropped_at IS NULL")),
        Index("ix_transactions_workspace", "workspace_id", "run_id"),
    )

    run_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="runs.run_id",
        sa_column_kwargs={"autoincrement": False},
    )
    number: int = Field(primary_key=True)
    """0 for the first branch of the run, 1 for the next."""
    workspace_id: int = big_id()
    job_id: int = big_id()
    branch: str
    base_hash: str
    """The catalog commit on main it was cut from: the moment of all tables that the run reads."""
    state: str = TransactionState.OPENING
    replay_of: int | None = Field(default=None, sa_type=BigInteger)
    """The run that this one runs again on a scratch branch, which is never published."""
    round: int = 0
    """The publish request that it has answered (`PublishRequest.round`), of this execution:"""
    execution: int = 0
    answer: dict[str, Any] = json_object()
    """What that request was answered, a `spec.publish.PublishOutcome`; empty before."""
    carried: list[Any] = json_list()
    """Task-run ids, in the order of their landings: what it takes over from the branch before."""
    conflict_hash: str | None = None
    """Main's commit that stood in the way; the next branch is cut from it, if what is kept does not
    fit main as it is then."""
    published_hash: str | None = None
    """The catalog commit that published it."""
    tables: list[Any] = json_list()
    """What was published: `{"table", "snapshot_id", "task_key", "task_run_id"}`."""
    conflicts: list[Any] = json_list()
    """What stood in the way: `{"table", "task_keys", "by"}`, where `by` tells the other writer."""
    message: str = ""
    created_at: datetime | None = instant(now=True)
    ended_at: datetime | None = instant(optional=True)
    """When it was published, or the run ended without that."""
    drop_after: datetime | None = instant(optional=True)
    """When the branch may be dropped; NULL while it is in use."""
    dropped_at: datetime | None = instant(optional=True)


class AttemptBranchState(StrEnum):
    """Where an attempt's branch stands."""

    OPENING = "OPENING"
    OPEN = "OPEN"
    LANDED = "LANDED"
    """Merged into the run's branch, or it had nothing to merge."""
    ABANDONED = "ABANDONED"
    """The attempt failed, was superseded, cancelled or in conflict: what it did never existed."""


class AttemptBranch(SQLModel, table=True):
    """The catalog branch of one attempt."""

    __tablename__ = "attempt_branches"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_attempt_branches_run", "run_id", "number", "task_run_id"),
        Index(
            "ix_attempt_branches_drop",
            "task_run_id",
            postgresql_where=text("dropped_at IS NULL AND state IN ('LANDED', 'ABANDONED')"),
        ),
    )

    task_run_id: int = big_id(key=True)
    run_id: int = big_id()
    number: int
    """Of the transaction it was cut from."""
    task_key: str
    branch: str
    base_hash: str
    """The commit on the run's branch that it was cut from."""
    state: str = AttemptBranchState.OPENING
    landed_hash: str | None = None
    """The commit on the run's branch that holds its work; NULL when it changed nothing."""
    landed_at: datetime | None = instant(optional=True)
    tables: list[Any] = json_list()
    """Dotted names of the tables (and views) that it landed."""
    dropped_at: datetime | None = instant(optional=True)
