"""Warns of every `{{…}}` in a job file that will stay as it is written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from spec.errors import Problem
from spec.job_files import problem_at
from spec.jobs import JobSettings
from spec.problems import Mistake, Path
from spec.reference_names import REFERENCE_FIELDS, fits
from spec.references import REFERENCE, split
from spec.tasks import Task
from spec.yaml_lines import Node

_LEFT = re.compile(r"\{\{.*?(\}\}|$)")
_SECRET = re.compile(r"\{\{secrets/[^{}/\s]+/[^{}/\s]+\}\}")
_UNKNOWN = (
    "names nothing that is known when the task starts, so it will stay as it is; check its"
    " spelling, the job's parameters and 'depends_on'"
)
_NOT_HERE = (
    "will stay as it is: references are not replaced in this field; pass the value as a parameter"
)
_NOT_JUDGED = ("description", "task_key", "depends_on")


@dataclass(frozen=True)
class _Scope:
    """What a task's references may name."""

    parameters: frozenset[str]
    upstream: Mapping[str, Task]
    """The tasks that have ended before."""
    kind: str
    in_for_each: bool = False

    def knows(self, parts: tuple[str, ...]) -> bool:
        """Tell whether the reference will have a value when the task starts."""
        if not fits(parts):
            return False
        match parts:
            case ("job", "parameters", *name):
                return ".".join(name) in self.parameters
            case ("tasks", key, *rest):
                task = self.upstream.get(key)
                return task is not None and _has(task, rest[0])
            case ("input", *_):
                return self.in_for_each
            case ("task", "notebook_path"):
                return self.kind == "notebook_task"
            case _:
                return True

    def left(self, text: str) -> str | None:
        """Say what of a text will stay as it is; None when nothing."""
        text = REFERENCE.sub(lambda each: "" if self.knows(split(each[1])) else each[0], text)
        found = _LEFT.search(text)
        return found and f"'{found[0]}' {_UNKNOWN}"


def reference_warnings(node: Node, settings: JobSettings, at: Path) -> list[Problem]:
    """Return a problem for each text of a task in which a `{{…}}` will stay as it is written.

    That is: malformed or unknown references, parameters that the job does not define, tasks that
    need not have ended before, and references in fields where none are replaced.
    """
    direct = {
        task.task_key: {dependency.task_key for dependency in task.depends_on}
        for task in settings.tasks
    }
    tasks = {task.task_key: task for task in settings.tasks}
    parameters = frozenset(parameter.name for parameter in settings.parameters)
    warnings: list[Problem] = []
    for i in range(len(settings.parameters)):
        default = node.at(("parameters", i, "default"))
        anywhere = _Scope(parameters, tasks, "notebook_task", in_for_each=True)
        left = anywhere.left((default and default.text()) or "")
        if left is not None:
            path = ("parameters", i, "default")
            warnings.append(problem_at(node, Mistake(path, left), at))
    for i, task in enumerate(settings.tasks):
        before = {key: tasks[key] for key in _ancestors(task.task_key, direct)}
        scope = _Scope(parameters, before, task.kind)
        warnings += _of_task(node, ("tasks", i), task, scope, at)
    return warnings


def _of_task(node: Node, path: Path, task: Task, scope: _Scope, at: Path) -> list[Problem]:
    written = node.at(path)
    found: list[Problem] = []
    for inner, text in _texts(written, ()) if written is not None else ():
        if inner[0] in _NOT_JUDGED or inner[:2] == ("for_each_task", "task"):
            continue
        left = _left(text, inner, scope)
        if left is not None:
            found.append(problem_at(node, Mistake((*path, *inner), left), at))
    if task.for_each_task is not None:
        nested = task.for_each_task.task
        inside = replace(scope, kind=nested.kind, in_for_each=True)
        found += _of_task(node, (*path, "for_each_task", "task"), nested, inside, at)
    return found


def _left(text: str, path: Path, scope: _Scope) -> str | None:
    """Say what of a text at this path inside of a task will stay as it is; None when nothing."""
    if path[-2:-1] in (("spark_conf",), ("spark_env_vars",)):
        text = _SECRET.sub("", text)
    if len(path) < 2 or path[1] not in REFERENCE_FIELDS.get(str(path[0]), ()):
        left = _LEFT.search(text)
        return left and f"'{left[0]}' {_NOT_HERE}"
    return scope.left(text)


def _has(task: Task, member: str) -> bool:
    """Tell whether a task of this type has such a member once it has ended."""
    if member == "output":
        return task.sql_task is not None
    return member != "notebook_path" or task.notebook_task is not None


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
