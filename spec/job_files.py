"""A job's settings from YAML: every mistake at once, each with its place."""

from collections.abc import Mapping

from pydantic import ValidationError

from spec.errors import InvalidFile, Problem
from spec.job_outline import outline
from spec.jobs import JobSettings, faults
from spec.problems import Mistake, Path, mistakes
from spec.tasks import UNSUPPORTED_TASK_TYPES
from spec.yaml_lines import Node, parse, spell

UNSUPPORTED_JOB_FIELDS: dict[str, str] = {
    "access_control_list": "remove it; give permissions with `openlake permissions set`",
    "environment_variables": "pass values as task parameters",
    "permissions": "give them with `openlake permissions set`; of a bundle they are taken",
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
    node, problems = refuse_unsupported(node, at)
    settings, found = None, list[Mistake]()
    try:
        settings = JobSettings.model_validate(node.plain())
    except ValidationError as error:
        found = mistakes(error, JobSettings)
    if found:
        # The whole is judged even when a part is wrong: pydantic itself would stop before that.
        whole = [Mistake(*fault) for fault in faults(outline(node))]
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


def refuse_unsupported(job: Node, at: Path) -> tuple[Node, list[Problem]]:
    """Take what is known but not supported out of a job, or of what has tasks as a job has."""
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
