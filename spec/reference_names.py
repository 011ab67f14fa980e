"""Which `{{…}}` references there are, and where in a task they are replaced.

The table says what a name may be; `spec.references` says what its value is. Source: Databricks
docs, "What is a dynamic value reference?".
"""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, cast

from spec.references import find

Path = tuple[int | str, ...]

INSTANT_MEMBERS = (
    "iso_weekday",
    "is_weekday",
    "iso_date",
    "iso_datetime",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "timestamp_ms",
)
"""What `<time>` stands for; all in UTC."""


class Reference(NamedTuple):
    """One kind of reference."""

    name: str
    """`<time>`, `<task>` and `<name>` stand for what may vary; a `<name>` may hold dots."""
    meaning: str


REFERENCES: tuple[Reference, ...] = (
    Reference("job.id", "the job's id"),
    Reference("job.name", "the job's name"),
    Reference("job.run_id", "the run's id"),
    Reference("job.repair_count", "how often the run was repaired; 0 for a run that was not"),
    Reference("job.start_time.<time>", "when the run was made"),
    Reference("job.parameters.<name>", "a job parameter's value in this run"),
    Reference(
        "job.trigger.type",
        "what started the run: one_time, periodic, run_job_task, file_arrival, table, continuous…",
    ),
    Reference("job.trigger.time.<time>", "when the trigger fired, else when the run was made"),
    Reference("job.trigger.file_arrival.location", "the watched location of a file arrival"),
    Reference("backfill.<time>", "the logical date of a backfill's run"),
    Reference("task.name", "the task's key"),
    Reference("task.run_id", "the id of this attempt's task run"),
    Reference("task.execution_count", "1 for the first attempt; counts retries and repairs"),
    Reference("task.notebook_path", "the notebook's path, in a notebook task"),
    Reference("tasks.<task>.result_state", "how an earlier task ended: success, failed, excluded…"),
    Reference("tasks.<task>.error_code", "its termination code, e.g. RUN_EXECUTION_ERROR"),
    Reference("tasks.<task>.run_id", "the id of its newest task run"),
    Reference("tasks.<task>.execution_count", "how many attempts it took"),
    Reference("tasks.<task>.notebook_path", "its notebook's path, of a notebook task"),
    Reference("tasks.<task>.values.<name>", "a task value: text as it is, the rest as JSON"),
    Reference("tasks.<task>.output.rows", "a sql task's rows as a JSON array of objects"),
    Reference("tasks.<task>.output.first_row", "a sql task's first row as a JSON object"),
    Reference("tasks.<task>.output.first_row.<name>", "one column of a sql task's first row"),
    Reference("tasks.<task>.output.alert_state", "of an alert: OK, TRIGGERED or UNKNOWN"),
    Reference("input", "in the task of a for-each: the iteration's input"),
    Reference("input.<name>", "in the task of a for-each: one field of the iteration's input"),
    Reference("workspace.id", "the workspace's id"),
    Reference("workspace.url", "the workspace's address"),
    Reference("job_id", "older spelling of job.id"),
    Reference("run_id", "older spelling of task.run_id"),
    Reference("parent_run_id", "older spelling of job.run_id"),
    Reference("task_key", "older spelling of task.name"),
    Reference("start_date", "older spelling of job.start_time.iso_date"),
    Reference("start_time", "older spelling of job.start_time.timestamp_ms"),
    Reference("task_retry_count", "how many attempts of the task there were before"),
)

_PATTERNS = tuple(tuple(each.name.split(".")) for each in REFERENCES)
_CLOSED = ("job", "task", "workspace")
"""Namespaces of which every member is known."""

REFERENCE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "notebook_task": ("base_parameters",),
    "spark_python_task": ("parameters",),
    "python_wheel_task": ("parameters", "named_parameters"),
    "spark_jar_task": ("parameters",),
    "spark_submit_task": ("parameters",),
    "sql_task": ("parameters",),
    "dbt_task": ("commands",),
    "run_job_task": (
        "job_parameters",
        "notebook_params",
        "python_params",
        "python_named_params",
        "jar_params",
        "spark_submit_params",
        "sql_params",
        "dbt_commands",
    ),
    "condition_task": ("left", "right"),
    "for_each_task": ("inputs",),
    "airflow_task": ("conf",),
    "check_task": ("parameters", "table"),
    "table_care_task": ("tables",),
    "load_task": (),
    "replay_task": (),
    "compare_task": ("run_id", "with_run_id"),
}
"""Task type → the fields in whose texts references are replaced."""


def wrong_member(parts: tuple[str, ...], tasks: Collection[str]) -> str | None:
    """Say what is wrong with a reference into a namespace whose members are all known.

    Args:
        parts: The reference, split.
        tasks: The job's task keys; references to other keys are not judged.

    Returns:
        None when the reference exists, or when its namespace is unknown: then it stays literal.
    """
    if len(parts) < 2 or fits(parts):
        return None
    if parts[0] not in _CLOSED and not (parts[0] == "tasks" and parts[1] in tasks):
        return None
    name = ".".join(parts)
    known = [_fill(pattern, parts) for pattern in _PATTERNS if pattern[0] == parts[0]]
    known = [filled for each in known for filled in _times(each)]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return f"'{{{{{name}}}}}' is no reference; {hint}"


def fits(parts: tuple[str, ...]) -> bool:
    """Tell whether there is a reference of this form, whatever its value."""
    return any(_fits(pattern, parts) for pattern in _PATTERNS)


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    if pattern[-1] == "<name>":
        if len(parts) < len(pattern):
            return False
        parts = (*parts[: len(pattern) - 1], "<name>")
    if len(pattern) != len(parts):
        return False
    return all(
        part in INSTANT_MEMBERS if wanted == "<time>" else wanted in ("<task>", part)
        for wanted, part in zip(pattern, parts, strict=True)
    )


def _fill(pattern: tuple[str, ...], parts: tuple[str, ...]) -> str:
    return ".".join(parts[1] if each == "<task>" else each for each in pattern)


def _times(name: str) -> list[str]:
    if not name.endswith("<time>"):
        return [name]
    return [name.replace("<time>", member) for member in INSTANT_MEMBERS]


def reference_texts(kind: str, body: object) -> Iterator[tuple[Path, str]]:
    """Yield each text of a task's body in which references are replaced, with its path.

    Args:
        kind: The task type, e.g. `notebook_task`.
        body: Its model; may be unvalidated (`model_construct`).
    """
    for field in REFERENCE_FIELDS.get(kind, ()):
        yield from _texts(getattr(body, field, None), (field,))


def wrong_references(kind: str, body: object, tasks: Collection[str]) -> list[tuple[Path, str]]:
    """Return (path inside the body, message) of every reference to what cannot exist."""
    return [
        (path, message)
        for path, text in reference_texts(kind, body)
        for message in wrong_in(text, tasks)
    ]


def wrong_in(text: str, tasks: Collection[str]) -> list[str]:
    """Return what is wrong with the references of one text."""
    if "{{" not in text:
        return []
    found = (wrong_member(parts, tasks) for parts in find(text))
    return [message for message in found if message is not None]


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in cast(Mapping[Any, object], value).items():
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(cast(list[object], value)):
            yield from _texts(inner, (*path, i))
