"""A run as one transaction: what a job asks for, and what its workflow and the catalog exchange.

With `publish` a run writes on a catalog branch of its own, and each attempt on a branch cut from
it. A finished attempt is one merge into the run's branch, a run that succeeds one merge into main.
Databricks has no word for this: the field is OpenLake's own, absent from plain jobs.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from spec.attempts import AttemptOutcome, Frozen, TaskRef
from spec.model import Model, TaskKey


class ConflictPolicy(StrEnum):
    """What happens when somebody else has published a table that the run wants to publish."""

    FAIL = "fail"
    """The run fails, and says which tables and who."""
    RETRY_PUBLISH = "retry_publish"
    """The run's branch is cut anew from main; the tasks that wrote those tables, and what follows
    from them, run again."""


class PublishPolicy(Model):
    """When and how a run's tables are published."""

    on: Literal["success"] = "success"
    audit: tuple[TaskKey, ...] = ()
    """Check tasks; unless all of them succeed, nothing is published and the run fails."""
    on_failure: Literal["keep_branch", "drop_branch"] = "keep_branch"
    """What becomes of the branch of a run that did not publish."""
    keep_hours: int = Field(default=168, ge=1, le=8760)
    """How long such a branch is kept for inspection and repair."""
    conflict: ConflictPolicy = ConflictPolicy.FAIL


class LandRequest(Frozen):
    """An attempt has succeeded: its branch is to be merged into the run's."""

    ref: TaskRef
    outcome: AttemptOutcome


class PublishRequest(Frozen):
    """Every task of a run has ended well: its branch is to be merged into main."""

    workspace_id: int
    job_id: int
    run_id: int
    execution: int
    round: int
    """How often the run has asked before: a repeated request has the same number."""
    conflict: ConflictPolicy = ConflictPolicy.FAIL


class PublishOutcome(Frozen):
    """What became of it; the same answer for the same request, however often it is sent."""

    published: bool
    tables: tuple[str, ...] = ()
    """Dotted names: what was published, or what stood in the way."""
    message: str = ""
    """One sentence for a person; of a conflict, with the tables and both writers."""
    writers: tuple[str, ...] = ()
    """After a conflict: the tasks of the run that wrote those tables."""
    cut_anew: bool = False
    """The run's branch has been cut anew from main, with all that the other tasks had landed."""
