"""Pins what a run works from: its settings and every file its tasks may read, by content."""

import hashlib
import json
from collections.abc import Mapping, Set
from posixpath import dirname, normpath
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.alerts import store as alerts
from control.auth import Caller
from control.files import store as files
from control.files.paths import normalise
from control.files.tables import FileKind, WorkspaceFile
from control.internal.dbt import PROJECT_FILE, project_file
from control.jobs import store
from control.jobs.compute import resolve
from control.jobs.materials import (
    GIT,
    NO_PLACE,
    PROFILE,
    WAREHOUSE,
    Outside,
    expand,
    is_in_volume,
    key_of,
    plain_files,
    profile_of,
    profiles_of,
    requirement_lines,
    volume_key,
)
from control.jobs.sources import fill_sources, needs_checkout
from control.jobs.tables import SettingsSnapshot
from control.permissions.access import require
from control.permissions.folders import Levels, levels, path_refusal, require_path
from control.permissions.levels import Kind, Level
from control.queries import store as queries
from control.warehouses import store as warehouses
from control.workspaces.defaults import with_default_warehouse
from spec.api.runs import RunOverrides
from spec.errors import Conflict, Invalid
from spec.git import GitSnapshot
from spec.ids import split_iteration
from spec.jobs import JobSettings
from spec.tasks import Task, warehouse_of
from spec.warehouses import PinnedWarehouse

MAX_FILES = 2_000
"""Files under the folders that one job's tasks lie in."""


QUERY = "query:"
"""Stands before the id of a saved query where otherwise a path stands."""


class JobChanged(Conflict):
    """The job has other settings than those for which something was fetched; fetch it again."""


class VolumeFilesWanted(Conflict):
    """A run takes files of volumes that were not fetched for it; fetch them and ask again."""

    def __init__(self, workspace_id: int, keys: Set[str]) -> None:
        """See class."""
        super().__init__(f"Files of volumes were not fetched: {', '.join(sorted(keys))}")
        self.workspace_id = workspace_id
        self.keys = keys


ALERT = "alert:"
"""The same before the id of an alert, whose query and condition are pinned together."""


def referenced_path(task: Task) -> str | None:
    """Return the file a task of a snapshot runs, `git:<path>`, `query:<id>`, `alert:<id>`; or None.

    Of a dbt task it is the project's own file: what lies beside and below it comes along.
    """
    if task.notebook_task is not None:
        return _sourced(task.notebook_task.notebook_path, task.notebook_task.source)
    if task.spark_python_task is not None:
        return _sourced(task.spark_python_task.python_file, task.spark_python_task.source)
    if task.sql_task is not None and task.sql_task.file is not None:
        return _sourced(task.sql_task.file.path, task.sql_task.file.source)
    if task.sql_task is not None and task.sql_task.query is not None:
        return QUERY + task.sql_task.query.query_id
    if task.sql_task is not None and task.sql_task.alert is not None:
        return ALERT + task.sql_task.alert.alert_id
    if task.dbt_task is not None:
        return _sourced(project_file(task.dbt_task), task.dbt_task.source)
    return None


def _sourced(path: str, source: str | None) -> str:
    return GIT + path if source == "GIT" else path


async def pin(
    session: AsyncSession,
    runner: Caller,
    settings: JobSettings,
    overrides: RunOverrides | None = None,
    outside: Outside | None = None,
) -> SettingsSnapshot:
    """Store and return the snapshot of these settings and of the files as they are now.

    All files below the folder of each referenced file are pinned, so that imports of siblings
    work; later edits do not reach the run. So are saved queries, the libraries of the
    tasks, the files of the job's repository and the compute profiles.

    Args:
        session: Of the transaction that admits the run.
        runner: Whose rights the run has: it works from nothing that they may not use.
        settings: Of the job, or of the run itself.
        overrides: What run-now was given: it may name other files.
        outside: See `control.jobs.outside.gather`.

    Raises:
        Invalid: files are missing, or there are too many beside them; says all of it at once.
        JobChanged: the job has changed since `outside` was gathered.
        VolumeFilesWanted: `outside` lacks files of volumes; those they name may come on top.
        Forbidden: `runner` may not use a file, query, alert, warehouse, cluster policy or
            instance pool that is named.
    """
    outside = outside or Outside()
    check_fresh(settings, outside)
    settings = await with_default_warehouse(session, runner.workspace_id, settings)
    settings = with_sources(await resolve(session, runner, settings, outside.profiles))
    pins = _Pins(session, runner)
    await pins.outside(outside, profiles_of(settings))
    for task in settings.every_task():
        reference = referenced_path(task)
        if reference is None:
            continue
        problem = await pins.reference(task, reference)
        if problem is not None:
            pins.problems.append(f"task '{task.task_key}': {problem}")
    for task in settings.every_task():
        await pins.warehouse(task)
        await pins.libraries(task, settings, overrides or RunOverrides(), outside)
    if pins.wanted:
        raise VolumeFilesWanted(runner.workspace_id, pins.wanted)
    if pins.problems:
        raise Invalid("; ".join(pins.problems))
    snapshot = _snapshot(_with_commit(settings, outside), pins.manifest)
    await store.keep_snapshot(session, snapshot)
    return snapshot


async def pin_again(
    session: AsyncSession, settings: JobSettings, files: Mapping[str, str]
) -> SettingsSnapshot:
    """Store and return the snapshot of settings that work from what another run had pinned."""
    snapshot = _snapshot(settings, dict(files))
    await store.keep_snapshot(session, snapshot)
    return snapshot


class _Pins:
    """Gathers the manifest of one run; each folder is looked at once."""

    def __init__(self, session: AsyncSession, runner: Caller) -> None:
        self._session = session
        self._runner = runner
        self._workspace_id = runner.workspace_id
        self._warehouses: set[str] = set()
        self._folders: dict[str, list[WorkspaceFile]] = {}
        self._held: dict[str, Levels] = {}
        self._texts: dict[str, str] = {}
        self._volumes: Mapping[str, str | Invalid] = {}
        self.wanted: set[str] = set()
        """Files of volumes that have still to be fetched."""
        self.manifest: dict[str, str] = {}
        self.problems: list[str] = []

    async def outside(self, outside: Outside, profiles: Set[str]) -> None:
        """Pin the repository's files, which are stored already, and profiles by their names.

        Files of volumes are pinned when a task names them.
        """
        self._volumes = outside.volumes
        if (checkout := outside.checkout) is not None:
            self.manifest.update((GIT + path, sha) for path, sha in checkout.files.items())
        for name in sorted(profiles):
            text = outside.profiles[name].model_dump_json(exclude_defaults=True).encode()
            self.manifest[PROFILE + name] = await files.put_blob(self._session, text)

    async def warehouse(self, task: Task) -> None:
        """Pin what is known of the warehouse that a task names, if it is not as at first."""
        warehouse_id = warehouse_of(task)
        if warehouse_id is None or warehouse_id in self._warehouses:
            return
        self._warehouses.add(warehouse_id)
        known = not self._runner.is_admin and await warehouses.find(
            self._session, self._workspace_id, warehouse_id
        )
        if known:
            await self._require(Kind.WAREHOUSE, warehouse_id, Level.CAN_USE)
        try:
            pinned = await warehouses.pinned(self._session, self._workspace_id, warehouse_id)
        except Invalid as error:
            self.problems.append(f"task '{task.task_key}': {error.message}")
            return
        if pinned is not None:
            text = pinned.model_dump_json(exclude_defaults=True).encode()
            self.manifest[WAREHOUSE + warehouse_id] = await files.put_blob(self._session, text)

    async def _require(self, kind: Kind, object_id: str, wanted: Level) -> None:
        await require(self._session, self._runner, kind, object_id, wanted)

    async def libraries(
        self, task: Task, settings: JobSettings, overrides: RunOverrides, outside: Outside
    ) -> None:
        """Pin the wheels, requirements files, jars and further files that a task names."""
        git = settings.git_source is not None
        profile = outside.profiles.get(profile_of(task, settings) or "")
        lines = requirement_lines(task, settings, profile)
        try:
            found = await expand(lines, git, self._read)
            plain = [key_of(path, git) for path in plain_files(task, overrides)]
            for key in (*found.wheels.values(), *plain):
                await self._single(key)
        except Invalid as error:
            self.problems.append(f"task '{task.task_key}': {error.message}")

    async def _read(self, key: str) -> str:
        if key not in self._texts:
            sha256 = await self._single(key)
            if key in self.wanted:
                # What it includes is asked for when it is there.
                return ""
            content = await files.get_blob(self._session, sha256)
            self._texts[key] = content.decode("utf-8", "replace")
        return self._texts[key]

    async def _single(self, key: str) -> str:
        """Pin one file without what lies beside it; return its hash."""
        if key in self.manifest:
            return self.manifest[key]
        if key.startswith(GIT):
            raise Invalid(f"'{key.removeprefix(GIT)}' is not in the repository")
        if is_in_volume(key):
            return self._of_volume(key)
        found = await files.find(self._session, self._workspace_id, key)
        if found is None or found.sha256 is None:
            raise Invalid(f"'{key}' is not a file of the workspace; import it first")
        await require_path(self._session, self._runner, key, Level.CAN_READ)
        self.manifest[key] = found.sha256
        return found.sha256

    def _of_volume(self, key: str) -> str:
        content = self._volumes.get(key)
        if isinstance(content, Invalid):
            raise content
        if content is None:
            self.wanted.add(key)
            return ""
        self.manifest[key] = content
        return content

    async def reference(self, task: Task, reference: str) -> str | None:
        """Pin what a task runs; return what is wrong with it."""
        if reference.startswith(QUERY):
            return await self.query(reference)
        if reference.startswith(ALERT):
            return await self.alert(reference)
        if reference == PROJECT_FILE:
            return "a dbt_task needs 'project_directory', the workspace folder of its project"
        if not reference.startswith(GIT):
            return await self.file(task, reference)
        path = reference.removeprefix(GIT)
        if path.startswith("/"):
            return (
                f"'{path}' is absolute, but the job's files come from its repository; write the"
                " path from the repository's root, or give the task 'source': 'WORKSPACE'"
            )
        if pinned_path(reference, self.manifest) is None:
            return f"'{path}' is not in the repository at the commit that the run uses"
        return None

    async def query(self, reference: str) -> str | None:
        """Pin a saved query; return what is wrong with it."""
        query_id = reference.removeprefix(QUERY)
        found = await queries.pinned(self._session, self._workspace_id, query_id)
        if found is None:
            return f"there is no saved query '{query_id}'"
        await self._require(Kind.QUERY, query_id, Level.CAN_RUN)
        content = found.model_dump_json(exclude_none=True).encode()
        self.manifest[reference] = await files.put_blob(self._session, content)
        return None

    async def alert(self, reference: str) -> str | None:
        """Pin an alert with its query; return what is wrong with it."""
        alert_id = reference.removeprefix(ALERT)
        try:
            pinned = await alerts.with_query(self._session, self._workspace_id, alert_id)
        except Invalid as error:
            return error.message
        await self._require(Kind.ALERT, alert_id, Level.CAN_RUN)
        content = pinned.model_dump_json().encode()
        self.manifest[reference] = await files.put_blob(self._session, content)
        return None

    async def file(self, task: Task, reference: str) -> str | None:
        """Pin a file and all that lies below its folder; return what is wrong with it.

        Of a volume it is the file alone: what else lies there may be large, and is not code.
        """
        try:
            if (volume := volume_key(reference)) is not None:
                return await self._volume_file(task, volume)
        except Invalid as error:
            return error.message
        if "://" in reference or reference.startswith("dbfs:"):
            return f"'{reference}' {NO_PLACE}"
        path = normalise(reference)
        beside = await self._below(dirname(path))
        if len(beside) > MAX_FILES:
            return (
                f"the folder '{dirname(path)}' holds more than {MAX_FILES} files; move the task's"
                " file into a folder of its own"
            )
        main = _find(beside, path, task)
        if main is None:
            return f"'{path}' is not in the workspace; import it first"
        held = self._held[dirname(path)]
        if not held.allows(main.path, Level.CAN_READ):
            raise path_refusal(held, main.path, Level.CAN_READ)
        usable = held.readable(beside)
        spelled = main.path + main.suffix
        twins = {each.path for each in usable if each.path + each.suffix == spelled}
        if len(twins) > 1:
            return (
                f"{' and '.join(map(repr, sorted(twins)))} are one name, '{spelled}', where tasks"
                " run; rename one of them"
            )
        self.manifest.update((file.path + file.suffix, file.sha256 or "") for file in usable)
        return None

    async def _volume_file(self, task: Task, key: str) -> str | None:
        if task.spark_python_task is None:
            return (
                f"'{key}' is in a volume; notebooks, SQL files and dbt projects are taken from the"
                " workspace or a repository"
            )
        await self._single(key)
        return None

    async def _below(self, folder: str) -> list[WorkspaceFile]:
        if folder not in self._folders:
            self._folders[folder] = await files.below(
                self._session, self._workspace_id, folder, MAX_FILES + 1
            )
            self._held[folder] = await levels(self._session, self._runner, folder, below=True)
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
    if reference.startswith((QUERY, ALERT)):
        return reference if reference in manifest else None
    if reference.startswith(GIT):
        path = GIT + normpath(reference.removeprefix(GIT))
    else:
        path = volume_key(reference) or normalise(reference)
    spellings = (path, f"{path}.py", f"{path}.sql", f"{path}.ipynb")
    return next((spelling for spelling in spellings if spelling in manifest), None)


def with_sources(settings: JobSettings) -> JobSettings:
    """Return settings in which every task says where its file comes from, as Databricks does."""
    return JobSettings.model_validate(fill_sources(settings.model_dump(exclude_none=True)))


def _with_commit(settings: JobSettings, outside: Outside) -> JobSettings:
    if settings.git_source is None or outside.checkout is None:
        return settings
    used = GitSnapshot(used_commit=outside.checkout.commit)
    source = settings.git_source.model_copy(update={"git_snapshot": used})
    return settings.model_copy(update={"git_source": source})


def git_snapshot_of(snapshot: SettingsSnapshot) -> dict[str, Any]:
    """Return what a run reports of its repository; empty when it takes nothing of one."""
    source: dict[str, Any] = snapshot.settings.get("git_source", {})
    return source.get("git_snapshot", {})


def check_fresh(settings: JobSettings, outside: Outside) -> None:
    """Raise when `outside` was gathered for other settings.

    Raises:
        JobChanged: ask again.
    """
    checkout = outside.checkout
    wanted = settings.git_source if needs_checkout(settings) else None
    if wanted != (checkout.source if checkout is not None else None):
        raise JobChanged("The job's git_source changed while the run was being made; ask again.")
    if missing := profiles_of(settings) - outside.profiles.keys():
        raise JobChanged(f"The job's compute profile {min(missing)} changed meanwhile; ask again.")


def _snapshot(settings: JobSettings, manifest: dict[str, str]) -> SettingsSnapshot:
    dumped = settings.model_dump(mode="json", exclude_none=True)
    return SettingsSnapshot(hash=_digest(dumped, manifest), settings=dumped, files=manifest)


def _digest(settings: dict[str, Any], manifest: dict[str, str]) -> str:
    text = json.dumps([settings, manifest], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def pinned_warehouses(
    session: AsyncSession, snapshot: SettingsSnapshot
) -> dict[str, PinnedWarehouse]:
    """Return id → what was pinned; that is nothing of a built-in warehouse that was as at first."""
    keys = {key: sha for key, sha in snapshot.files.items() if key.startswith(WAREHOUSE)}
    return {
        key.removeprefix(WAREHOUSE): PinnedWarehouse.model_validate_json(
            await files.get_blob(session, sha)
        )
        for key, sha in keys.items()
    }


def task_of(settings: Mapping[str, Any], task_key: str) -> Task:
    """Return one task of a snapshot's settings; of an iteration's key, what its for-each runs.

    Raises:
        Invalid: there is no such task.
    """
    own_key, index = split_iteration(task_key)
    for task in settings.get("tasks", []):
        if task["task_key"] == own_key:
            inner = task if index is None else task["for_each_task"]["task"]
            return Task.model_validate(inner)
    raise Invalid(f"the run has no task '{task_key}'")
