"""A job's settings from YAML: every mistake at once, each with its place."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pydantic import JsonValue, ValidationError

from spec.compute import Environment, JobCluster
from spec.errors import InvalidFile, Problem
from spec.jobs import JobParameter, JobSettings, faults
from spec.problems import Mistake, Path, mistakes
from spec.references import Context, Upstream, resolve
from spec.task_types import ConditionTask, SqlTask
from spec.tasks import UNSUPPORTED_TASK_TYPES, Task, TaskDependency
from spec.yaml_lines import Node, parse, spell

UNSUPPORTED_JOB_FIELDS: dict[str, str] = {
    "access_control_list": "remove it; everybody in the workspace may use the job",
    "environment_variables": "pass values as task parameters",
    "permissions": "remove it; everybody in the workspace may use the job",
    "triggers": "use one of 'schedule', 'trigger' and 'continuous'",
}
"""Settings of Databricks' jobs that are refused, and what to do instead."""

UNSUPPORTED_TASK_FIELDS: dict[str, str] = {
    "compute": "remove it; tasks run on the engine workers",
}
"""The same for the fields that every task of Databricks shares."""


def load_job(text: str, file: str = "job.yml") -> JobSettings:
    """Read the settings of one job, written as the value under `resources.jobs.<key>`.

    Raises:
        InvalidFile: with every mistake.
    """
    node, problems = parse(text, file)
    if node is None:
        what = "the file is empty; write a job's settings (name, tasks)"
        raise InvalidFile(problems or [Problem(file, 1, 1, "", what)])
    settings, found = check_job(node, ())
    if settings is None or problems:
        raise InvalidFile([*problems, *found])
    return settings


def check_job(node: Node, at: Path) -> tuple[JobSettings | None, list[Problem]]:
    """Validate one job's tree, which stands at the path `at` of its bundle.

    Returns:
        The settings, or None and what is wrong.
    """
    if not isinstance(node.value, dict):
        message = "a job is a mapping with 'name' and 'tasks'; write it so"
        return None, [problem_at(node, Mistake((), message), at)]
    node, problems = _refuse_unsupported(node, at)
    settings, found = None, list[Mistake]()
    try:
        settings = JobSettings.model_validate(node.plain())
    except ValidationError as error:
        found = mistakes(error, JobSettings)
    if found:
        # The whole is judged even when a part is wrong: pydantic itself would stop before that.
        whole = [Mistake(*fault) for fault in faults(_outline(node))]
        parts = [mistake for mistake in found if mistake.path or not whole]
        problems += [problem_at(node, mistake, at) for mistake in (*parts, *whole)]
    return (None if problems else settings), problems


def problem_at(node: Node, mistake: Mistake, at: Path = ()) -> Problem:
    """Give a mistake about a value under `node` its place; `at` is the path of `node` itself."""
    message = mistake.message
    target = node.at(mistake.path)
    if target is not None and target.written is not None:
        message += f" (the value comes from '{target.written}')"
    mark = node.mark_at(mistake.path, key=mistake.of_key)
    return Problem(*mark, spell((*at, *mistake.path)), message)


def refuse(node: Node, table: Mapping[str, str], at: Path) -> tuple[Node, list[Problem]]:
    """Take fields that are known but not supported out of a mapping, so the rest can be checked.

    Args:
        node: The mapping, which stands at the path `at`.
        table: Field → what to do instead.
        at: Path of the mapping.
    """
    found = [name for name, _ in node.items() if name in table]
    problems = [
        Problem(
            *node.keys[name],
            spell((*at, name)),
            f"'{name}' is not supported by OpenLake; {table[name]}",
        )
        for name in found
    ]
    kept = {name: value for name, value in node.items() if name not in table}
    return (Node(kept, node.mark, node.keys) if found else node), problems


def _refuse_unsupported(job: Node, at: Path) -> tuple[Node, list[Problem]]:
    job, problems = refuse(job, UNSUPPORTED_JOB_FIELDS, at)
    tasks = job.get("tasks")
    for i, task in enumerate(tasks.elements() if tasks is not None else []):
        path = ("tasks", i)
        kept, of_type = refuse(task, UNSUPPORTED_TASK_TYPES, (*at, *path))
        if of_type:
            # A stand-in, lest the task be blamed for having no type as well.
            stand_in = Node({"python_file": Node("/x", task.mark)}, task.mark)
            kept = kept.put("spark_python_task", kept.get("spark_python_task") or stand_in)
        kept, of_field = refuse(kept, UNSUPPORTED_TASK_FIELDS, (*at, *path))
        job = job.put_at(path, kept)
        problems += of_type + of_field
    return job, problems


def _outline(node: Node) -> JobSettings:
    """Return what can be said of the job as a whole; what is not text is left empty."""

    def text(owner: Node, *path: str) -> str:
        inner = owner.get(*path)
        return (inner.text() if inner is not None else None) or ""

    def elements(owner: Node, name: str) -> list[Node]:
        inner = owner.get(name)
        return inner.elements() if inner is not None else []

    def task(node: Node) -> Task:
        warehouse = text(node, "sql_task", "warehouse_id")
        is_condition = node.get("condition_task") is not None
        return Task.model_construct(
            task_key=text(node, "task_key"),
            depends_on=tuple(
                TaskDependency.model_construct(
                    task_key=text(each, "task_key"), outcome=text(each, "outcome") or None
                )
                for each in elements(node, "depends_on")
                if text(each, "task_key")
            ),
            environment_key=text(node, "environment_key") or None,
            job_cluster_key=text(node, "job_cluster_key") or None,
            sql_task=SqlTask.model_construct(warehouse_id=warehouse) if warehouse else None,
            condition_task=ConditionTask.model_construct() if is_condition else None,
        )

    return JobSettings.model_construct(
        tasks=tuple(task(each) for each in elements(node, "tasks")),
        parameters=tuple(
            JobParameter.model_construct(name=text(each, "name"))
            for each in elements(node, "parameters")
        ),
        environments=tuple(
            Environment.model_construct(environment_key=text(each, "environment_key"))
            for each in elements(node, "environments")
        ),
        job_clusters=tuple(
            JobCluster.model_construct(job_cluster_key=text(each, "job_cluster_key"))
            for each in elements(node, "job_clusters")
        ),
    )


class _Anything(dict[str, JsonValue]):
    """Stands for task values that only the run will tell."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> JsonValue:
        return ""


def reference_warnings(node: Node, settings: JobSettings, at: Path) -> list[Problem]:
    """Return a problem for each text of a task in which a `{{…}}` will stay as it is written.

    That is: malformed or unknown references, parameters that the job does not define, and tasks
    that need not have ended before.
    """
    parameters = {parameter.name: "" for parameter in settings.parameters}
    direct = {
        task.task_key: {dependency.task_key for dependency in task.depends_on}
        for task in settings.tasks
    }
    warnings: list[Problem] = []
    for i, task in enumerate(settings.tasks):
        upstream = {
            key: Upstream(run_id=0, result="SUCCESS", values=_Anything())
            for key in _ancestors(task.task_key, direct)
        }
        context = Context(
            workspace_id=0,
            workspace_url="",
            job_id=0,
            job_name="",
            run_id=0,
            run_started_at=datetime.min.replace(tzinfo=UTC),
            trigger="",
            parameters=parameters,
            task_key=task.task_key,
            task_run_id=0,
            notebook_path="",
            tasks=upstream,
        )
        path = ("tasks", i)
        written = node.at(path)
        if written is None:
            continue
        for inner, text in _texts(written, path):
            left = re.search(r"\{\{.*?(\}\}|$)", resolve(text, context))
            if left is not None:
                what = (
                    f"'{left[0]}' names nothing that is known when the task starts, so it will stay"
                    " as it is; check its spelling, the job's parameters and 'depends_on'"
                )
                warnings.append(problem_at(node, Mistake(inner, what), at))
    return warnings


def _ancestors(key: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(direct[key])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += direct[each]
    return found


def _texts(node: Node, path: Path) -> Iterator[tuple[Path, str]]:
    text = node.text()
    if text is not None and "{{" in text:
        yield path, text
    for key, inner in node.items():
        yield from _texts(inner, (*path, key))
    for i, inner in enumerate(node.elements()):
        yield from _texts(inner, (*path, i))
