"""The files of a bundle: which there are, and where they will lie in the workspace."""

from collections.abc import Sequence
from difflib import get_close_matches
from posixpath import basename, dirname, join, normpath, splitext
from typing import Protocol

from spec.bundle_artifacts import Build, Built
from spec.bundle_artifacts import place as place_artifact
from spec.bundle_ignore import Ignored
from spec.bundle_places import Place, places_of
from spec.errors import Problem
from spec.problems import Path
from spec.yaml_lines import Node, spell

MAX_FILES = 1000


class Folder(Protocol):
    """A bundle's folder as the caller sees it. Paths are relative to it and use '/'."""

    def read(self, path: str) -> str | None:
        """Return the text of a file; None when there is none."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether this is a file."""
        ...

    def glob(self, pattern: str) -> Sequence[str]:
        """Return the files that match, sorted; `**/` stands for any number of folders."""
        ...


def matching(folder: Folder, pattern: Node) -> tuple[list[str], str | None]:
    """Return the files that a pattern of the bundle names, and what is wrong with the pattern."""
    text = pattern.text()
    if text is None:
        return [], None  # Not text: reported with the form.
    parts = text.split("/")
    if not text or text.startswith("/") or ".." in parts:
        return [], f"'{text}' must be a path or pattern below the bundle's folder, e.g. src/*.py"
    return list(folder.glob(f"{text}/*" if parts[-1] == "**" else text)), None


class FileTable:
    """Finds the files that tasks name and gives each its place below `file_path`."""

    def __init__(
        self,
        folder: Folder,
        file_path: str,
        *,
        artifact_path: str = "",
        builds: Sequence[Build] = (),
        built: Built | None = None,
    ) -> None:
        """See class."""
        self.problems: list[Problem] = []
        self._artifact_path = artifact_path
        self._builds = builds
        self._built = built
        self._artifacts: dict[str, str] = {}
        self._folder = folder
        self._file_path = file_path
        self._named: set[str] = set()

    def place_tasks(self, job: Node, at: Path) -> Node:
        """Return the job with its local paths turned into workspace paths."""
        for place in places_of(job):
            placed = self._place(place, (*at, *place.at))
            text = (place.node.text() or "").replace(place.file, placed, 1)
            job = job.put_at(place.at, Node(text, place.node.mark, written=place.node.written))
        return job

    def _place(self, place: Place, path: Path) -> str:
        node, text = place.node, place.file
        prefix = self._file_path + "/"
        if text.startswith("/") and not text.startswith(prefix):
            return text
        if text.startswith("dbfs:/Volumes/"):
            return text
        if "://" in text or text.startswith("dbfs:"):
            what = f"'{text}' is not a path; name a file of the bundle, or an absolute one"
            return self._refuse(node, path, what, text)
        local = normpath(join(dirname(node.mark.file), text))
        artifact = place_artifact(self._builds, self._built, self._artifact_path, local)
        if artifact is not None:
            return self._place_artifact(artifact, node, path)
        local = self._only_match(local)
        if text.startswith(prefix):
            local = normpath(text.removeprefix(prefix))
        if local == ".." or local.startswith("../"):
            what = f"'{text}' lies outside the bundle's folder; move it below databricks.yml"
            return self._refuse(node, path, what, text)
        named = normpath(join(local, place.inside))
        if not self._folder.exists(named):
            return self._refuse(node, path, self._missing(named), text)
        self._named.add(named)
        placed = normpath(prefix + local)
        is_notebook = path[-1] == "notebook_path" and is_notebook_file(self._folder, local)
        return splitext(placed)[0] if is_notebook else placed

    def _place_artifact(
        self, artifact: tuple[str | None, str, str | None], node: Node, path: Path
    ) -> str:
        local, remote, reason = artifact
        if reason is not None:
            self.problems.append(Problem(*node.mark, spell(path), reason))
        if local is not None:
            self._artifacts[local] = remote
        return remote

    def _only_match(self, local: str) -> str:
        """Return the file that a pattern like `dist/*.whl` means, when it means exactly one."""
        found = self._folder.glob(local) if "*" in local and not local.startswith("..") else ()
        return found[0] if len(found) == 1 else local

    def _missing(self, local: str) -> str:
        folder = dirname(local)
        beside = self._folder.glob(f"{folder}/*" if folder else "*")
        near = get_close_matches(basename(local), [basename(path) for path in beside], n=1)
        hint = f"did you mean '{join(folder, near[0])}'?" if near else "create it or mend the path"
        return f"there is no file '{local}' in the bundle's folder; {hint}"

    def _refuse(self, node: Node, path: Path, message: str, text: str) -> str:
        self.problems.append(Problem(*node.mark, spell(path), message))
        return text

    def uploads(self, sync: Node) -> tuple[tuple[str, str], ...]:
        """Return (local path, workspace path) of all files to upload, sorted.

        As Databricks: everything below the folder that is neither hidden nor left out by a
        `.gitignore`, and what `sync.include` names; less what `sync.exclude` names, unless a task
        names it. What a build leaves goes to the folder of artifacts, where tasks look for it.
        """
        there = self._folder.glob("**/*")
        ignored = Ignored(
            {
                dirname(path): self._folder.read(path) or ""
                for path in there
                if basename(path) == ".gitignore"
            }
        )
        chosen = {path for path in there if not _hidden(path) and not ignored(path)}
        chosen = {path for path in chosen if not any(b.leaves(path) for b in self._builds)}
        chosen |= self._matching(sync, "include")
        chosen -= self._matching(sync, "exclude")
        chosen |= self._named
        if len(chosen) > MAX_FILES:
            message = (
                f"the bundle's folder holds {len(chosen):,} files; at most {MAX_FILES:,} are"
                " deployed; name what to leave out under 'sync.exclude'"
            )
            self.problems.append(Problem(*sync.mark, "sync", message))
        files = [(path, f"{self._file_path}/{path}") for path in sorted(chosen)]
        return (*files, *sorted(self._artifacts.items()))

    def _matching(self, sync: Node, name: str) -> set[str]:
        patterns = sync.get(name)
        found: set[str] = set()
        for i, pattern in enumerate(patterns.elements() if patterns is not None else []):
            paths, reason = matching(self._folder, pattern)
            found.update(paths)
            if reason is not None:
                self.problems.append(Problem(*pattern.mark, f"sync.{name}[{i}]", reason))
        return found


_NOTEBOOK_HEADERS = {
    ".py": "# Databricks notebook source",
    ".sql": "-- Databricks notebook source",
}


def is_notebook_file(folder: Folder, path: str) -> bool:
    """Tell whether a file becomes a notebook in the workspace, whose name has no suffix."""
    suffix = splitext(path)[1]
    header = _NOTEBOOK_HEADERS.get(suffix)
    if header is None:
        return suffix == ".ipynb"
    return (folder.read(path) or "").startswith(header)


def _hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.split("/"))
