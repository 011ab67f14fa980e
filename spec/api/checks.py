"""Request and answer of `/api/openlake/1.0/jobs/check`."""

from typing import Any

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model
from spec.yaml_lines import MAX_BYTES


class CheckJob(Model):
    """A job's settings in YAML, as somebody is writing them."""

    text: str = Field(max_length=MAX_BYTES)
    job_id: int | None = None
    """The job that they are to replace those of; none when a new one is to be made."""


class TextProblem(Frozen):
    """One mistake in a text."""

    message: str
    """The reason, and what to do."""
    path: str
    """What it is about, e.g. `tasks[2].sql_task`; may be empty."""
    line: int
    """From 1, as is `column`."""
    column: int


class CheckedJob(Frozen):
    """What OpenLake makes of the text."""

    settings: dict[str, Any] | None
    """As they would be kept; null when the text is not taken."""
    problems: tuple[TextProblem, ...]
    """Why creating or resetting the job would be refused: all of it, sorted by place."""
    warnings: tuple[TextProblem, ...]
    """What is taken, but is hardly meant so."""
