"""Where the files of tasks come from: the workspace, or the job's git repository."""

from typing import Any

from spec.jobs import JobSettings
from spec.tasks import Task

_FIELDS = (
    ("notebook_task",),
    ("spark_python_task",),
    ("dbt_task",),
    ("sql_task", "file"),
)
"""What of a task has a `source`."""


def fill_sources(settings: dict[str, Any]) -> dict[str, Any]:
    """Return dumped settings in which every task says its source, as Databricks fills it in."""
    default = "WORKSPACE" if settings.get("git_source") is None else "GIT"
    return {**settings, "tasks": [_filled(task, default) for task in settings.get("tasks", [])]}


def _filled(task: dict[str, Any], default: str) -> dict[str, Any]:
    for name, *inner in _FIELDS:
        if name in task:
            task = {**task, name: _put(task[name], inner, default)}
    if "for_each_task" in task:
        loop = task["for_each_task"]
        task = {**task, "for_each_task": {**loop, "task": _filled(loop["task"], default)}}
    return task


def _put(fields: dict[str, Any], path: list[str], default: str) -> dict[str, Any]:
    if not path:
        return fields if fields.get("source") is not None else {**fields, "source": default}
    if fields.get(path[0]) is None:
        return fields
    return {**fields, path[0]: _put(fields[path[0]], path[1:], default)}


def needs_checkout(settings: JobSettings) -> bool:
    """Tell whether a run of these settings takes files from the repository."""
    return settings.git_source is not None and any(map(_may_use_git, settings.every_task()))


_WITHOUT_FILES = frozenset(
    (
        "run_job_task",
        "condition_task",
        "airflow_task",
        "for_each_task",
        "check_task",
        "table_care_task",
        "load_task",
        "replay_task",
        "compare_task",
    )
)


def _may_use_git(task: Task) -> bool:
    # Libraries and environments may name files of the repository too, whatever the task's source.
    return task.kind not in _WITHOUT_FILES
