"""Pins what a run works from: its settings and every file its tasks may read, by content."""

import hashlib
import json
from posixpath import dirname
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.files import store as files
from control.files.paths import normalise
from control.files.tables import FileKind, WorkspaceFile
from control.jobs import store
from control.jobs.tables import SettingsSnapshot
from control.queries import store as queries
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.tasks import Task

MAX_FILES = 2_000
"""Files under the folders that one job's tasks lie in."""


QUERY = "query:"
"""Stands before the id of a saved query where otherwise a path stands."""


def referenced_path(task: Task) -> str | None:
    """Return the workspace file a task runs, or `query:<id>` for a saved query; or None."""
    if task.notebook_task is not None:
        return task.notebook_task.notebook_path
    if task.spark_python_task is not None:
        return task.spark_python_task.python_file
    if task.sql_task is not None and task.sql_task.file is not None:
        return task.sql_task.file.path
    if task.sql_task is not None and task.sql_task.query is not None:
        return QUERY + task.sql_task.query.query_id
    return None


async def pin(session: AsyncSession, workspace_id: int, settings: JobSettings) -> SettingsSnapshot:
    """Store and return the snapshot of these settings and of the files as they are now.

    All files below the folder of each referenced file are pinned, so that imports of siblings
    work; later edits do not reach the run. So is the text of saved queries.

    Raises:
        Invalid: files are missing, or there are too many beside them; says all of it at once.
    """
    pins = _Pins(session, workspace_id)
    for task in settings.tasks:
        reference = referenced_path(task)
        if reference is None:
            continue
        problem = await (
            pins.query(reference) if reference.startswith(QUERY) else pins.file(task, reference)
        )
        if problem is not None:
            pins.problems.append(f"task '{task.task_key}': {problem}")
    if pins.problems:
        raise Invalid("; ".join(pins.problems))
    snapshot = _snapshot(settings, pins.manifest)
    await store.keep_snapshot(session, snapshot)
    return snapshot


class _Pins:
    """Gathers the manifest of one run; each folder is looked at once."""

    def __init__(self, session: AsyncSession, workspace_id: int) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._folders: dict[str, list[WorkspaceFile]] = {}
        self.manifest: dict[str, str] = {}
        self.problems: list[str] = []

    async def query(self, reference: str) -> str | None:
        """Pin a saved query; return what is wrong with it."""
        query_id = reference.removeprefix(QUERY)
        found = await queries.texts(self._session, self._workspace_id, [query_id])
        if query_id not in found:
            return f"there is no saved query '{query_id}'"
        text = found[query_id].encode()
        self.manifest[reference] = await files.put_blob(self._session, text)
        return None

    async def file(self, task: Task, reference: str) -> str | None:
        """Pin a file and all that lies below its folder; return what is wrong with it."""
        if "://" in reference or reference.startswith("dbfs:"):
            return (
                f"'{reference}' is not a workspace path; import the file into the workspace and"
                " name it by its path there"
            )
        path = normalise(reference)
        beside = await self._below(dirname(path))
        if len(beside) > MAX_FILES:
            return (
                f"the folder '{dirname(path)}' holds more than {MAX_FILES} files; move the task's"
                " file into a folder of its own"
            )
        if _find(beside, path, task) is None:
            return f"'{path}' is not in the workspace; import it first"
        self.manifest.update((file.path + file.suffix, file.sha256 or "") for file in beside)
        return None

    async def _below(self, folder: str) -> list[WorkspaceFile]:
        if folder not in self._folders:
            self._folders[folder] = await files.below(
                self._session, self._workspace_id, folder, MAX_FILES + 1
            )
        return self._folders[folder]


def _find(candidates: list[WorkspaceFile], path: str, task: Task) -> WorkspaceFile | None:
    for file in candidates:
        if file.path == path or (
            file.kind == FileKind.NOTEBOOK
            and task.notebook_task is not None
            and file.path + file.suffix == path
        ):
            return file
    return None


def pinned_path(reference: str, manifest: dict[str, str]) -> str | None:
    """Return the path in the manifest that a task's reference means; notebooks lack a suffix."""
    if reference.startswith(QUERY):
        return reference if reference in manifest else None
    path = normalise(reference)
    spellings = (path, f"{path}.py", f"{path}.sql", f"{path}.ipynb")
    return next((spelling for spelling in spellings if spelling in manifest), None)


def _snapshot(settings: JobSettings, manifest: dict[str, str]) -> SettingsSnapshot:
    dumped = settings.model_dump(mode="json", exclude_none=True)
    return SettingsSnapshot(hash=_digest(dumped, manifest), settings=dumped, files=manifest)


def _digest(settings: dict[str, Any], manifest: dict[str, str]) -> str:
    text = json.dumps([settings, manifest], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
