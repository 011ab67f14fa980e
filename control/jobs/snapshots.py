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
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.tasks import Task

MAX_FILES = 2_000
"""Files under the folders that one job's tasks lie in."""


def referenced_path(task: Task) -> str | None:
    """Return the workspace file a task runs; None when it names none."""
    if task.notebook_task is not None:
        return task.notebook_task.notebook_path
    if task.spark_python_task is not None:
        return task.spark_python_task.python_file
    if task.sql_task is not None and task.sql_task.file is not None:
        return task.sql_task.file.path
    return None


async def pin(session: AsyncSession, workspace_id: int, settings: JobSettings) -> SettingsSnapshot:
    """Store and return the snapshot of these settings and of the files as they are now.

    All files below the folder of each referenced file are pinned, so that imports of siblings
    work; later edits do not reach the run.

    Raises:
        Invalid: files are missing, or there are too many beside them; says all of it at once.
    """
    manifest: dict[str, str] = {}
    problems: list[str] = []
    folders: dict[str, list[WorkspaceFile]] = {}
    for task in settings.tasks:
        reference = referenced_path(task)
        if reference is None:
            continue
        if "://" in reference or reference.startswith("dbfs:"):
            problems.append(
                f"task '{task.task_key}': '{reference}' is not a workspace path; import the file"
                " into the workspace and name it by its path there"
            )
            continue
        path = normalise(reference)
        folder = dirname(path)
        if folder not in folders:
            folders[folder] = await files.below(session, workspace_id, folder, MAX_FILES + 1)
        if len(folders[folder]) > MAX_FILES:
            problems.append(
                f"task '{task.task_key}': the folder '{folder}' holds more than {MAX_FILES} files;"
                " move the task's file into a folder of its own"
            )
            continue
        found = _find(folders[folder], path, task)
        if found is None:
            problems.append(
                f"task '{task.task_key}': '{path}' is not in the workspace; import it first"
            )
        manifest.update(
            (file.path + file.suffix, file.sha256 or "") for file in folders[folder]
        )
    if problems:
        raise Invalid("; ".join(problems))
    snapshot = _snapshot(settings, manifest)
    await store.keep_snapshot(session, snapshot)
    return snapshot


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
    path = normalise(reference)
    return next((p for p in (path, f"{path}.py", f"{path}.sql", f"{path}.ipynb") if p in manifest),
                None)


def _snapshot(settings: JobSettings, manifest: dict[str, str]) -> SettingsSnapshot:
    dumped = settings.model_dump(mode="json", exclude_none=True)
    return SettingsSnapshot(hash=_digest(dumped, manifest), settings=dumped, files=manifest)


def _digest(settings: dict[str, Any], manifest: dict[str, str]) -> str:
    text = json.dumps([settings, manifest], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
