"""Dynamic value references `{{…}}` in parameters, as Databricks resolves them at task start.

What is unknown or malformed stays as it was written. Names with other characters than letters,
digits and `_` may stand in backticks: ``{{job.parameters.`my-p`}}``. Source: Databricks docs,
"What is a dynamic value reference?".
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from spec import sql_output
from spec.attempts import SqlResult

REFERENCE = re.compile(r"\{\{\s*((?:[A-Za-z0-9_.\-]|`[^`{}]+`)+)\s*\}\}")
"""A well-formed reference; group 1 is what `split` takes."""

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PART = re.compile(r"`([^`]+)`|([A-Za-z0-9_\-]+)")


@dataclass(frozen=True)
class Upstream:
    """What later tasks may ask about an earlier one."""

    run_id: int
    result: str
    """A `spec.states.TaskResult`."""
    code: str = ""
    attempts: int = 1
    notebook_path: str | None = None
    values: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    sql: SqlResult | None = None
    alert_state: str | None = None


@dataclass(frozen=True)
class Context:
    """All that references can name, as known when the task starts."""

    workspace_id: int
    workspace_url: str
    job_id: int
    job_name: str
    run_id: int
    run_started_at: datetime
    """Aware, UTC."""
    trigger: str
    parameters: Mapping[str, str]
    task_key: str
    task_run_id: int
    attempt: int = 0
    repair_count: int = 0
    notebook_path: str | None = None
    input: JsonValue = None
    """In the task of a for-each (`in_for_each`): the iteration's input."""
    in_for_each: bool = False
    tasks: Mapping[str, Upstream] = field(default_factory=dict[str, Upstream])
    triggered_at: datetime | None = None
    """The instant that the trigger stands for; None when nothing but a request started the run."""
    location: str | None = None
    """Where files arrived, if that is what started the run."""
    backfill_at: datetime | None = None
    """The logical date, in the run of a backfill."""


def resolve(text: str, context: Context) -> str:
    """Replace every reference in a text whose value is known.

    Raises:
        Invalid: a sql task's rows are too many or too large, or lack the row or column.
    """

    def replace(found: re.Match[str]) -> str:
        value = _lookup(split(found.group(1)), context)
        return found.group(0) if value is None else value

    return REFERENCE.sub(replace, text)


def find(text: str) -> list[tuple[str, ...]]:
    """Return the references of a text, each split into its parts."""
    return [split(found.group(1)) for found in REFERENCE.finditer(text)]


def needs_upstream(texts: Iterable[str]) -> bool:
    """Tell whether any text refers to another task (`{{tasks.…}}`)."""
    return any(parts[:1] == ("tasks",) for text in texts for parts in find(text))


def split(reference: str) -> tuple[str, ...]:
    """Split `job.parameters.x` at its dots; a part in backticks may hold dots itself."""
    return tuple(quoted or plain for quoted, plain in _PART.findall(reference))


def as_text(value: JsonValue) -> str:
    """Return a task value as it appears in text: strings bare, everything else as JSON."""
    return value if isinstance(value, str) else _JSON.encode(value)


def instant_member(at: datetime, member: str) -> str | None:
    """Return one member of an instant in UTC, e.g. `iso_date`; None when there is no such."""
    match member:
        case "iso_weekday":
            return str(at.isoweekday())
        case "is_weekday":
            return "true" if at.isoweekday() <= 5 else "false"
        case "iso_date":
            return at.date().isoformat()
        case "iso_datetime":
            return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        case "year" | "month" | "day" | "hour" | "minute" | "second":
            return str(getattr(at, member))
        case "timestamp_ms":
            return str(int(at.timestamp() * 1000))
        case _:
            return None


def _lookup(parts: tuple[str, ...], context: Context) -> str | None:
    match parts:
        case ("job", *rest):
            return _job(tuple(rest), context)
        case ("task", member):
            return _task(member, context)
        case ("backfill", member) if context.backfill_at is not None:
            return instant_member(context.backfill_at, member)
        case ("tasks", key, "output", *rest) if key in context.tasks:
            return _output(key, tuple(rest), context.tasks[key])
        case ("tasks", key, *rest) if key in context.tasks:
            return _upstream(tuple(rest), context.tasks[key])
        case ("input", *rest) if context.in_for_each:
            return _input(".".join(rest), context.input)
        case ("workspace", "id"):
            return str(context.workspace_id)
        case ("workspace", "url"):
            return context.workspace_url
        case (name,):
            return _old_style(name, context)
        case _:
            return None


def _job(parts: tuple[str, ...], context: Context) -> str | None:
    match parts:
        case ("id",):
            return str(context.job_id)
        case ("name",):
            return context.job_name
        case ("run_id",):
            return str(context.run_id)
        case ("repair_count",):
            return str(context.repair_count)
        case ("start_time", member):
            return instant_member(context.run_started_at, member)
        case ("parameters", *name):
            return context.parameters.get(".".join(name))
        case ("trigger", "type"):
            return context.trigger.lower().removesuffix("_restart")
        case ("trigger", "time", member):
            return instant_member(context.triggered_at or context.run_started_at, member)
        case ("trigger", "file_arrival", "location"):
            return context.location
        case _:
            return None


def _task(member: str, context: Context) -> str | None:
    return {
        "name": context.task_key,
        "run_id": str(context.task_run_id),
        "execution_count": str(context.attempt + 1),
        "notebook_path": context.notebook_path,
    }.get(member)


def _upstream(parts: tuple[str, ...], task: Upstream) -> str | None:
    match parts:
        case ("result_state",):
            return "failed" if task.result == "LOST" else task.result.lower()
        case ("error_code",):
            return task.code
        case ("run_id",):
            return str(task.run_id)
        case ("execution_count",):
            return str(task.attempts)
        case ("notebook_path",):
            return task.notebook_path
        case ("values", *name) if ".".join(name) in task.values:
            return as_text(task.values[".".join(name)])
        case _:
            return None


def _output(key: str, parts: tuple[str, ...], task: Upstream) -> str | None:
    if parts == ("alert_state",):
        return task.alert_state
    return None if task.sql is None else sql_output.member(key, parts, task.sql)


def _input(name: str, value: JsonValue) -> str | None:
    if not name:
        return as_text(value)
    return as_text(value[name]) if isinstance(value, dict) and name in value else None


def _old_style(name: str, context: Context) -> str | None:
    return {
        "job_id": str(context.job_id),
        "run_id": str(context.task_run_id),
        "parent_run_id": str(context.run_id),
        "task_key": context.task_key,
        "start_date": context.run_started_at.date().isoformat(),
        "start_time": instant_member(context.run_started_at, "timestamp_ms"),
        "task_retry_count": str(context.attempt),
    }.get(name)
