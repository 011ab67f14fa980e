"""What a table's page is asked for: itself, its snapshots and what changed, and its data."""

from collections.abc import Iterable, Mapping

from control.auth import Caller
from control.deps import Deps
from control.gateway.tokens import MAIN
from control.lakehouse import store, views
from control.lakehouse.base import Json, Kind, Loaded, TableName
from spec.api import tables as api
from spec.errors import Invalid, NotFound

_MOST_BETWEEN = 1000
"""How many snapshots a diff goes through."""
_STEP = 100
_MOST_BRANCHES = 100


class Table:
    """One table as a caller sees it, on main or on a run's branch."""

    def __init__(self, deps: Deps, caller: Caller, name: str, branch: str | None) -> None:
        """See class."""
        self._deps = deps
        self._caller = caller
        self._name = TableName.parse(name)
        self._branch = branch

    async def page(self) -> api.TablePage:
        """Return what the page begins with."""
        loaded = await self._load()
        catalog = self._deps.lakehouse.catalog(self._name.catalog)
        branch = (self._branch or MAIN) if catalog.has_branches else None
        current = views.current_snapshot(loaded.metadata) if loaded.kind is Kind.TABLE else None
        counted = await self._deps.lakehouse.counts(
            self._name, loaded, [current] if current else []
        )
        counts = next(iter(counted.values()), None)
        return views.table_page(self._name, loaded, branch, self._caller.workspace_id, counts)

    async def snapshots(self, limit: int, token: str | None) -> api.SnapshotList:
        """Return one page of the table's snapshots, newest first."""
        loaded = await self._table()
        catalog = self._deps.lakehouse.catalog(self._name.catalog)
        past = await catalog.past(self._name.key, loaded, self._branch, token or None, limit)
        counted = await self._deps.lakehouse.counts(self._name, loaded, past.snapshots)
        return api.SnapshotList(
            snapshots=tuple(self._view(each, counted) for each in past.snapshots),
            next_page_token=past.resume,
        )

    async def diff(self, start: str, end: str | None) -> api.Diff:
        """Return how the table changed from one snapshot to a later one, or to its current one.

        Raises:
            NotFound: a snapshot is not in the table's history, as far back as is looked.
            Invalid: the second one is not the later one.
        """
        loaded = await self._table()
        between = await self._between(loaded, start, end)
        counted = await self._deps.lakehouse.counts(self._name, loaded, between)
        first, last = self._view(between[-1], counted), self._view(between[0], counted)
        steps = [self._view(each, counted) for each in between[:-1]]
        parents = [each.parent_id for each in steps]
        following = [each.snapshot_id for each in (*steps[1:], first)]
        # One without a parent began anew: what was there before, it replaced.
        complete = all(
            parent in (None, before) for parent, before in zip(parents, following, strict=True)
        )
        net_rows = _less(last.total_rows, first.total_rows)
        added_rows = _sum(each.added_rows for each in steps)
        deleted_rows = _sum(each.deleted_rows for each in steps)
        added_files = _sum(each.added_files for each in steps)
        deleted_files = _sum(each.deleted_files for each in steps)
        if complete:
            # Who replaces a table (CREATE OR REPLACE) notes nothing of what went.
            net_files = _less(last.total_files, first.total_files)
            deleted_rows = _most(deleted_rows, _less(added_rows, net_rows))
            deleted_files = _most(deleted_files, _less(added_files, net_files))
        return api.Diff(
            from_snapshot=first,
            to_snapshot=last,
            added_rows=added_rows,
            deleted_rows=deleted_rows,
            added_files=added_files,
            deleted_files=deleted_files,
            net_rows=net_rows,
            snapshots=len(steps),
            complete=complete,
        )

    async def row_diff(self, start: str, end: str | None, limit: int) -> api.RowDiff:
        """Return the rows that two snapshots do not share, up to `limit` of each side.

        Raises:
            NotFound: a snapshot is not in the table's history, as far back as is looked.
            Invalid: the second one is not the later one, or the files cannot be compared.
        """
        loaded = await self._table()
        between = await self._between(loaded, start, end)

        def read() -> api.RowDiff:
            from control.lakehouse import row_diff

            return row_diff.compare(loaded, between[-1], between[0], limit)

        return await self._deps.lakehouse.read(str(self._name), read)

    async def branches(self) -> api.BranchList:
        """Return the branches of runs that have changed the table; only the stack's own has any.

        A table that only such a branch has is none that main knows: it is found all the same.
        """
        if not self._deps.lakehouse.is_managed(self._name.catalog):
            return api.BranchList()
        async with self._deps.database.read_session() as session:
            table = ".".join(self._name.key)
            rows = await store.changes_on_branches(session, self._caller, table)
        if not rows:
            await self._load()
        return api.BranchList(branches=views.held_branches(rows)[:_MOST_BRANCHES])

    async def partitions(self) -> api.PartitionList:
        """Return the table's partitions, those with most rows first."""
        loaded = await self._table()

        def read() -> api.PartitionList:
            # PyArrow comes with it, which an API that shows no data does without.
            from control.lakehouse import data

            return data.partitions(loaded)

        return await self._deps.lakehouse.read(str(self._name), read)

    async def files(self, limit: int, token: str | None) -> api.FileList:
        """Return one page of the table's files."""
        loaded = await self._table()

        def read() -> api.FileList:
            from control.lakehouse import data

            return data.list_files(loaded, limit, token)

        return await self._deps.lakehouse.read(str(self._name), read)

    async def sample(self, limit: int) -> api.Sample:
        """Return some rows."""
        loaded = await self._table()

        def read() -> api.Sample:
            from control.lakehouse import data

            return data.sample(loaded, limit)

        return await self._deps.lakehouse.read(str(self._name), read)

    async def _load(self) -> Loaded:
        if self._branch is not None:
            self._deps.lakehouse.on_branch(self._name.catalog, self._branch)
            async with self._deps.database.read_session() as session:
                await store.check_branch(session, self._caller.workspace_id, self._branch)
        return await self._deps.lakehouse.load(self._name, self._branch)

    async def _table(self) -> Loaded:
        loaded = await self._load()
        if loaded.kind is Kind.VIEW:
            raise Invalid(f"'{self._name}' is a view; it has no data of its own.")
        return loaded

    def _view(self, snapshot: Json, counted: Mapping[str, Mapping[str, str]]) -> api.Snapshot:
        counts = counted.get(str(snapshot["snapshot-id"]))
        return views.snapshot_view(snapshot, self._caller.workspace_id, counts)

    async def _between(self, loaded: Loaded, start: str, end: str | None) -> list[Json]:
        """Return the snapshots from `end` back to `start`, both included."""
        catalog = self._deps.lakehouse.catalog(self._name.catalog)
        found: list[Json] = []
        before_end: list[str] = []
        resume: str | None = None
        while len(before_end) + len(found) < _MOST_BETWEEN:
            past = await catalog.past(self._name.key, loaded, self._branch, resume, _STEP)
            for each in past.snapshots:
                snapshot_id = str(each["snapshot-id"])
                if not found and end is not None and snapshot_id != end:
                    before_end.append(snapshot_id)
                    continue
                found.append(each)
                if snapshot_id == start:
                    return found
            resume = past.resume
            if resume is None:
                break
        if start in before_end:
            raise Invalid(f"from: snapshot {start} is later than {end}; give the older one first.")
        missing = start if found else end
        raise NotFound(
            f"Snapshot {missing} is not among the newest {_MOST_BETWEEN:,} of '{self._name}'."
        )


def _less(all_of_it: int | None, part: int | None) -> int | None:
    return None if all_of_it is None or part is None else all_of_it - part


def _most(noted: int | None, derived: int | None) -> int | None:
    return noted if noted is None or derived is None else max(noted, derived)


def _sum(counts: Iterable[int | None]) -> int | None:
    """Add up; None when one is not known."""
    total = 0
    for each in counts:
        if each is None:
            return None
        total += each
    return total
