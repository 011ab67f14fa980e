"""What can be said of a job as a whole while parts of it are still wrong."""

from typing import Any, cast, get_args

from pydantic import BaseModel

from spec.compute import Environment, JobCluster
from spec.git import GitSource
from spec.jobs import JobParameter, JobSettings
from spec.schedules import Continuous, CronSchedule, TriggerSettings
from spec.task_types import SqlTaskFile
from spec.tasks import TASK_TYPES, ForEachTask, Task, TaskDependency
from spec.yaml_lines import Node


def outline(node: Node) -> JobSettings:
    """Return unvalidated settings with all that `spec.jobs.faults` looks at.

    What is not text is left empty, so that nothing is blamed twice.
    """
    return JobSettings.model_construct(
        tasks=tuple(_task(each) for each in _elements(node, "tasks")),
        parameters=tuple(
            JobParameter.model_construct(name=_text(each, "name"), default=_text(each, "default"))
            for each in _elements(node, "parameters")
        ),
        environments=tuple(
            Environment.model_construct(environment_key=_text(each, "environment_key"))
            for each in _elements(node, "environments")
        ),
        job_clusters=tuple(
            JobCluster.model_construct(job_cluster_key=_text(each, "job_cluster_key"))
            for each in _elements(node, "job_clusters")
        ),
        git_source=GitSource.model_construct() if _given(node, "git_source") else None,
        schedule=CronSchedule.model_construct() if _given(node, "schedule") else None,
        trigger=TriggerSettings.model_construct() if _given(node, "trigger") else None,
        continuous=Continuous.model_construct() if _given(node, "continuous") else None,
    )


def _task(node: Node) -> Task:
    bodies = {name: _body(name, node.get(name)) for name in TASK_TYPES}
    return Task.model_construct(
        task_key=_text(node, "task_key"),
        depends_on=tuple(
            TaskDependency.model_construct(
                task_key=_text(each, "task_key"),
                outcome=cast(Any, _text(each, "outcome") or None),
            )
            for each in _elements(node, "depends_on")
            if _text(each, "task_key")
        ),
        environment_key=_text(node, "environment_key") or None,
        job_cluster_key=_text(node, "job_cluster_key") or None,
        **cast(Any, {name: body for name, body in bodies.items() if body is not None}),
    )


def _body(name: str, node: Node | None) -> BaseModel | None:
    """Return one task type's model with the fields as they are written."""
    if node is None or not isinstance(node.value, dict):
        return None
    fields = cast(dict[str, Any], node.plain())
    if name == "sql_task":
        # A warehouse that is not named is a mistake of its own.
        fields["warehouse_id"] = _text(node, "warehouse_id") or "duckdb"
        file = fields.get("file")
        fields["file"] = (
            SqlTaskFile.model_construct(**cast(Any, file)) if isinstance(file, dict) else None
        )
    if name == "dbt_task":
        fields["warehouse_id"] = _text(node, "warehouse_id") or None
    if name == "for_each_task":
        nested = node.get("task")
        if nested is None or not isinstance(nested.value, dict):
            return None
        return ForEachTask.model_construct(inputs=fields.get("inputs", ""), task=_task(nested))
    model = next(each for each in get_args(Task.model_fields[name].annotation) if each is not None)
    return cast(type[BaseModel], model).model_construct(**fields)


def _text(owner: Node, name: str) -> str:
    inner = owner.get(name)
    return (inner.text() if inner is not None else None) or ""


def _elements(owner: Node, name: str) -> list[Node]:
    inner = owner.get(name)
    return inner.elements() if inner is not None else []


def _given(owner: Node, name: str) -> bool:
    inner = owner.get(name)
    return inner is not None and inner.value is not None
