"""Wheels that a bundle builds, and where they go in the workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import basename, dirname, join, normpath

from spec.errors import Problem
from spec.yaml_lines import Node

Built = Mapping[str, Sequence[str]]
"""Name of an artifact → the files that its build has left, from the bundle's folder."""


@dataclass(frozen=True, slots=True)
class Build:
    """One wheel to build."""

    name: str
    folder: str
    """Where its project lies, from the bundle's folder; `.` is that folder itself."""
    command: str | None
    """What the shell runs there; None: the usual way to build a wheel."""
    patterns: tuple[str, ...]
    """What it leaves, from the bundle's folder."""

    def makes(self, path: str) -> bool:
        """Tell whether a file, or a pattern of files, is what the build leaves."""
        return any(
            path == pattern or fnmatchcase(path, pattern) or _same_folder(path, pattern)
            for pattern in self.patterns
        )

    def leaves(self, path: str) -> bool:
        """Tell whether a file is a by-product that is not deployed by itself."""
        inner = path if self.folder == "." else path.removeprefix(f"{self.folder}/")
        if inner == path and self.folder != ".":
            return False
        first = inner.split("/", 1)[0]
        return first in ("build", "dist") or ".egg-info/" in inner or self.makes(path)


def _same_folder(path: str, pattern: str) -> bool:
    return path.endswith(".whl") and dirname(path) == dirname(pattern)


def builds_of(root: Node) -> tuple[list[Build], list[Problem]]:
    """Return what the bundle builds, and what is wrong; the form was checked before."""
    found: list[Build] = []
    problems: list[Problem] = []
    artifacts = root.get("artifacts")
    for name, node in artifacts.items() if artifacts is not None else []:
        path, command, files = node.get("path"), node.get("build"), node.get("files")
        text = (path.text() if path is not None else None) or "."
        base = dirname(path.mark.file if path is not None else node.mark.file)
        folder = normpath(join(base, text))
        if folder.startswith(("/", "..")):
            what = f"'{text}' lies outside the bundle's folder; move it below databricks.yml"
            problems.append(Problem(*(path or node).mark, f"artifacts.{name}.path", what))
        sources = [each.get("source") for each in files.elements()] if files is not None else []
        patterns = [normpath(join(dirname(s.mark.file), s.text() or "")) for s in sources if s]
        found.append(
            Build(
                name,
                folder,
                command.text() if command is not None else None,
                tuple(patterns) or (normpath(join(folder, "dist/*.whl")),),
            )
        )
    return found, problems


def place(
    builds: Sequence[Build], built: Built | None, artifact_path: str, path: str
) -> tuple[str | None, str, str | None] | None:
    """Return what a task means that names what a build leaves.

    Args:
        builds: Of the bundle.
        built: What they have left; None: they have not run.
        artifact_path: The workspace folder of wheels.
        path: What the task names, from the bundle's folder; may be a pattern.

    Returns:
        (the file, None before it was built; its place in the workspace; what is wrong), or None
        when no build makes it.
    """
    build = next((each for each in builds if each.makes(path)), None)
    if build is None:
        return None
    remote = f"{artifact_path}/.internal/{basename(path)}"
    if built is None:
        return None, remote, None
    files = [each for each in built.get(build.name, ()) if fnmatchcase(each, path)]
    if len(files) == 1:
        return files[0], f"{artifact_path}/.internal/{basename(files[0])}", None
    if not files:
        return None, remote, f"the build of the artifact '{build.name}' has left no '{path}'"
    return None, remote, f"'{path}' means several files: {', '.join(files)}; name one of them"
