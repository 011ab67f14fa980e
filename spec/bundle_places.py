"""Where a job of a bundle names files of the bundle's folder."""

from collections.abc import Iterator
from typing import NamedTuple

from spec.problems import Path
from spec.requirements import read_line
from spec.yaml_lines import Node

_PROGRAMS = (
    ("spark_python_task", ("python_file",), ""),
    ("notebook_task", ("notebook_path",), ""),
    ("sql_task", ("file", "path"), ""),
    ("dbt_task", ("project_directory",), "dbt_project.yml"),
    ("dbt_task", ("profiles_directory",), "profiles.yml"),
)
"""(task type, field, for a folder: the file that must be in it)."""

_LIBRARIES = ("whl", "jar", "requirements")


class Place(NamedTuple):
    """One text of a job that names a file, or a folder by a file in it."""

    at: Path
    """Of the text, from the job."""
    node: Node
    file: str
    """What of the text is the path."""
    inside: str = ""
    """Of a folder: the file in it."""


def places_of(job: Node) -> Iterator[Place]:
    """Return the places of files; what a git repository or the workspace holds is passed over."""
    from_git = job.get("git_source") is not None
    for at, task in _tasks(job):
        yield from _program(at, task, from_git)
        for i, library in enumerate(_elements(task, "libraries")):
            for name in _LIBRARIES:
                yield from _text((*at, "libraries", i, name), library.get(name), from_git)
    for i, environment in enumerate(_elements(job, "environments")):
        spec = environment.get("spec")
        for j, line in enumerate(_elements(spec, "dependencies") if spec is not None else []):
            at = ("environments", i, "spec", "dependencies", j)
            yield from _requirement(at, line, from_git)


def _tasks(job: Node) -> Iterator[tuple[Path, Node]]:
    for i, task in enumerate(_elements(job, "tasks")):
        yield ("tasks", i), task
        nested = task.get("for_each_task", "task")
        if nested is not None:
            yield ("tasks", i, "for_each_task", "task"), nested


def _program(at: Path, task: Node, from_git: bool) -> Iterator[Place]:
    for kind, field, inside in _PROGRAMS:
        owner = task.get(kind, *field[:-1])
        if owner is None:
            continue
        source = owner.get("source")
        given = source.text() if source is not None else None
        of_git = given == "GIT" or (given is None and from_git)
        if not of_git:
            yield from _text((*at, kind, *field), task.get(kind, *field), False, inside)


def _text(at: Path, node: Node | None, from_git: bool, inside: str = "") -> Iterator[Place]:
    text = node.text() if node is not None else None
    if node is not None and text and not from_git:
        yield Place(at, node, text, inside)


def _requirement(at: Path, node: Node, from_git: bool) -> Iterator[Place]:
    try:
        line = read_line(node.text() or "")
    except ValueError:
        return  # Told where the job's settings are checked.
    if line.path and not from_git:
        yield Place(at, node, line.path)


def _elements(node: Node, name: str) -> list[Node]:
    inner = node.get(name)
    return inner.elements() if inner is not None else []
