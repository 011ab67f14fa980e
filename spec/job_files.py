"""A job's settings from YAML: every mistake at once, each with its place."""

from pydantic import ValidationError

from spec.errors import InvalidFile, Problem
from spec.jobs import Environment, JobParameter, JobSettings, faults
from spec.problems import Mistake, Path, mistakes
from spec.tasks import UNSUPPORTED_TASK_TYPES, SqlTask, Task, TaskDependency
from spec.yaml_lines import Mark, Node, parse, spell

UNSUPPORTED_JOB_FIELDS: dict[str, str] = {
    "access_control_list": "remove it; everybody in the workspace may use the job",
    "budget_policy_id": "remove it",
    "continuous": "start runs over the API",
    "deployment": "remove it",
    "edit_mode": "remove it",
    "email_notifications": "remove it and follow runs over the API",
    "environment_variables": "pass values as task parameters",
    "git_source": "deploy the files with the bundle",
    "health": "use 'timeout_seconds'",
    "job_clusters": "remove it; tasks run on the engine workers",
    "notification_settings": "remove it",
    "performance_target": "remove it",
    "permissions": "remove it; everybody in the workspace may use the job",
    "run_as": "remove it; a run works as whoever starts it",
    "schedule": "start runs over the API",
    "trigger": "start runs over the API",
    "usage_policy_id": "remove it",
    "webhook_notifications": "remove it and follow runs over the API",
}
"""Settings of Databricks' jobs that are refused, and what to do instead."""

UNSUPPORTED_TASK_FIELDS: dict[str, str] = {
    "compute": "remove it; tasks run on the engine workers",
    "disable_auto_optimization": "remove it; nothing is retried unless 'max_retries' says so",
    "disabled": "remove the task",
    "email_notifications": "remove it and follow runs over the API",
    "existing_cluster_id": "remove it; tasks run on the engine workers",
    "health": "use 'timeout_seconds'",
    "job_cluster_key": "remove it; tasks run on the engine workers",
    "libraries": "install packages into the workers' environment",
    "new_cluster": "remove it; tasks run on the engine workers",
    "notification_settings": "remove it",
    "webhook_notifications": "remove it and follow runs over the API",
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


def _refuse_unsupported(node: Node, at: Path) -> tuple[Node, list[Problem]]:
    """Take known but unsupported fields out of the tree, so that the rest is checked as well."""
    problems: list[Problem] = []

    def strip(owner: Node, table: dict[str, str], path: Path) -> dict[str, Node]:
        kept = dict(owner.items())
        for name in [name for name in kept if name in table]:
            message = f"'{name}' is not supported by OpenLake; {table[name]}"
            problems.append(Problem(*owner.keys[name], spell((*at, *path, name)), message))
            del kept[name]
        return kept

    def strip_task(task: Node, i: int) -> Node:
        kept = strip(task, UNSUPPORTED_TASK_FIELDS | UNSUPPORTED_TASK_TYPES, ("tasks", i))
        if any(name in UNSUPPORTED_TASK_TYPES for name, _ in task.items()):
            # A stand-in, lest the task be blamed for having no type as well.
            kept.setdefault("spark_python_task", _mapping(task.mark, python_file="/x"))
        return Node(kept, task.mark, task.keys) if task.items() else task

    job = strip(node, UNSUPPORTED_JOB_FIELDS, ())
    if "tasks" in job and job["tasks"].elements():
        inner = [strip_task(task, i) for i, task in enumerate(job["tasks"].elements())]
        job["tasks"] = Node(inner, job["tasks"].mark)
    return Node(job, node.mark, node.keys), problems


def _mapping(mark: Mark, **values: str) -> Node:
    return Node({key: Node(value, mark) for key, value in values.items()}, mark)


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
        return Task.model_construct(
            task_key=text(node, "task_key"),
            depends_on=tuple(
                TaskDependency.model_construct(task_key=text(each, "task_key"))
                for each in elements(node, "depends_on")
                if text(each, "task_key")
            ),
            environment_key=text(node, "environment_key") or None,
            sql_task=SqlTask.model_construct(warehouse_id=warehouse) if warehouse else None,
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
    )
