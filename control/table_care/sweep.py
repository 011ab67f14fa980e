"""Deletes the files of tables that no state in use refers to; the rules are here.

First everything that any branch or tag needs is marked, for all tables: a file stays when any
table anywhere refers to it. Then each chosen table's folder is listed, and what is neither marked
nor young goes:

- written before the cutoff: only states that have been replaced since can have needed it; that is
  what expiring snapshots means here;
- written after it, and older than the grace: no state that there ever was after the cutoff refers
  to it; it is an orphan, left by a write that failed or by a branch that was dropped.

Before each folder the logs are read again, so that what was committed (or branched off) meanwhile
is marked too. Nothing younger than the grace is touched, so a write that is under way is safe.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from control.db import Database
from control.gateway.upstream import Catalog
from control.table_care import store
from control.table_care.files import BATCH, File, LakeFiles
from control.table_care.history import History, State
from control.table_care.reachable import Marks, key_of
from spec.errors import Invalid
from spec.table_care import is_chosen
from spec.table_care_figures import CareRow, Figures, Step


@dataclass(frozen=True)
class Order:
    """What is to be swept."""

    task_run_id: int
    began_at: datetime
    """The same when the sweep goes on after a crash: ages count back from here."""
    patterns: tuple[str, ...]
    history: timedelta
    """States that were replaced longer ago are not in use."""
    grace: timedelta
    steps: frozenset[Step]
    dry_run: bool = False

    @property
    def cutoff(self) -> datetime:
        """The moment from which on the history is kept."""
        return self.began_at - self.history

    def step_for(self, file: File) -> Step | None:
        """Return the step that deletes a file nothing in use refers to; None when it stays."""
        if file.written_at < self.cutoff:
            step = Step.EXPIRE_SNAPSHOTS
        elif file.written_at < self.began_at - self.grace:
            step = Step.REMOVE_ORPHAN_FILES
        else:
            return None
        return step if step in self.steps else None


@dataclass(frozen=True)
class Report:
    """What a sweep did."""

    rows: tuple[CareRow, ...]
    left_alone: dict[str, str] = field(default_factory=dict[str, str])
    """Table → why nothing of it was deleted: files of a state in use are missing."""


class Sweeper:
    """Sweeps the lakehouse's bucket.

    Args:
        database: Holds the progress.
        catalog: Nessie.
        files: The bucket.
    """

    def __init__(self, database: Database, catalog: Catalog, files: LakeFiles) -> None:
        """See class."""
        self._database = database
        self._catalog = catalog
        self._files = files

    async def sweep(self, order: Order, say: Callable[[str], None]) -> Report:
        """Delete what is to go; cut off at any moment, a repeated call ends where this would have.

        Args:
            order: What to sweep.
            say: Takes lines for the task's log.

        Raises:
            Invalid: a table that is named in full does not exist.
            Unavailable: the catalog or the object store does not answer; call again.
        """
        # A table that was dropped is known for as long again as its files are kept.
        known_since = order.cutoff - order.history
        history = History(self._catalog, order.cutoff, known_since)
        await history.walk()
        folders = chosen_folders(history.in_use, history.known, order.patterns, self._files.bucket)
        marks = Marks(self._files.bucket, lambda key: folder_above(key, folders) is not None)
        await marks.add(history.in_use, self._files.io)
        say(
            f"{len(history.in_use):,} states of tables and views are in use,"
            f" {len(marks.keys):,} files in {len(folders):,} folders among them"
        )
        rows: list[CareRow] = []
        left_alone: dict[str, str] = {}
        for folder, table in sorted(folders.items(), key=lambda item: item[1]):
            await marks.add(await history.walk(), self._files.io)
            broken = [why for state, why in marks.unreadable.items() if self._is_in(state, folder)]
            if broken:
                left_alone[table] = broken[0]
                continue
            rows += await self._sweep_folder(order, folder, table, marks.keys)
        return Report(tuple(rows), left_alone)

    def _is_in(self, state: State, folder: str) -> bool:
        return folder_of(state.metadata, self._files.bucket) == folder

    async def _sweep_folder(
        self, order: Order, folder: str, table: str, live: set[str]
    ) -> list[CareRow]:
        progress = store.Progress()
        if not order.dry_run:
            async with self._database.read_session() as session:
                progress = await store.read(session, order.task_run_id, folder)
        kept = Figures()
        batch: list[str] = []
        async for file in self._listed(folder):
            step = None if file.key in live else order.step_for(file)
            if step is None:
                kept += file.figures
                continue
            if file.key not in progress.pending:
                progress.count(step, file.figures)
            batch.append(file.key)
            if len(batch) == BATCH:
                await self._delete(order, folder, progress, batch)
                batch = []
        if batch:
            await self._delete(order, folder, progress, batch)
        return rows_of(table, kept, progress, order.steps)

    async def _listed(self, folder: str) -> AsyncGenerator[File]:
        async for page in self._files.below(folder):
            for file in page:
                yield file

    async def _delete(
        self, order: Order, folder: str, progress: store.Progress, keys: Sequence[str]
    ) -> None:
        if order.dry_run:
            return
        async with self._database.session() as session:
            await store.save(session, order.task_run_id, folder, progress.gone, keys)
        await self._files.delete(keys)


def rows_of(
    table: str, kept: Figures, progress: store.Progress, steps: frozenset[Step]
) -> list[CareRow]:
    """Return a row for each step, in their order, from what is left and what has gone."""
    rows: list[CareRow] = []
    after = kept
    for step in (Step.REMOVE_ORPHAN_FILES, Step.EXPIRE_SNAPSHOTS):
        if step in steps:
            gone = progress.gone.get(step, Figures())
            rows.insert(0, CareRow(table, step, after + gone, after, gone.files))
            after += gone
    return rows


def chosen_folders(
    in_use: set[State], known: set[State], patterns: Sequence[str], bucket: str
) -> dict[str, str]:
    """Return the folders of the tables that the patterns name, with the tables' names.

    A table is one on any branch, at any moment that is kept or was kept until lately.

    Raises:
        Invalid: a table that is named in full does not exist.
    """
    folders: dict[str, str] = {}
    names: set[str] = set()
    # Those in use come last: their names win.
    for states in (known, in_use):
        for state in sorted(states, key=lambda state: state.key, reverse=True):
            folder = folder_of(state.metadata, bucket)
            if not state.is_table or folder is None or not is_chosen(state.key, patterns):
                continue
            folders[folder] = ".".join(state.key)
            names.add(folders[folder])
    missing = [each for each in patterns if not each.endswith("*") and each not in names]
    if missing:
        raise Invalid(f"there is no table '{missing[0]}' on any branch; check the task's 'tables'")
    return folders


def folder_of(metadata: str, bucket: str) -> str | None:
    """Return the key of a table's folder from its metadata file; None when it has none of its own.

    Iceberg's writers put metadata into `<table's location>/metadata/`.
    """
    key = key_of(metadata, bucket) or ""
    folder, found, _ = key.rpartition("/metadata/")
    return f"{folder}/" if found and folder else None


def folder_above(key: str, folders: dict[str, str]) -> str | None:
    """Return the folder that a key lies in."""
    at = key.find("/")
    while at >= 0:
        if key[: at + 1] in folders:
            return key[: at + 1]
        at = key.find("/", at + 1)
    return None
