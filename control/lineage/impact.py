"""What depends on a table: everything downstream, and whom to ask; and its columns."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.lineage import atlas, links, store
from control.lineage.atlas import Found, job_node, millis
from control.lineage.links import Link
from control.lineage.store import INPUT, OUTPUT
from spec.api.lineage import Column, ColumnEdge, ColumnMap, Impact, ImpactItem, TableColumns
from spec.errors import NotFound

MOST_ITEMS = 2_000
_FAR = 1_000


async def impact(session: AsyncSession, caller: Caller, table: str) -> Impact:
    """Return all datasets and jobs downstream of a table, nearest first.

    Raises:
        NotFound: nothing is known of it.
    """
    workspace_id = caller.workspace_id
    if not await links.is_known(session, workspace_id, table):
        raise NotFound(f"No lineage is known of '{table[:300]}'.", table=table[:300])
    found = Found(MOST_ITEMS)
    found.datasets.add(table)
    distances = await atlas.around(session, workspace_id, {table}, "down", _FAR, found)
    written = await links.last_written(session, workspace_id, found.datasets)
    items = [
        _dataset(name, distance, written.get(name))
        for name, distance in distances.items()
        if name != table
    ]
    items += await _jobs(session, caller, found, distances)
    items.sort(key=lambda item: (item.distance, item.kind != "job", item.name, item.id))
    return Impact(table=table, items=tuple(items), truncated=found.truncated)


def _dataset(name: str, distance: int, written: datetime | None) -> ImpactItem:
    return ImpactItem(
        id=atlas.dataset_id(name),
        kind="table" if atlas.dataset_id(name).startswith("table:") else "path",
        name=name,
        distance=distance,
        last_at=None if written is None else millis(written),
    )


async def _jobs(
    session: AsyncSession, caller: Caller, found: Found, distances: dict[str, int]
) -> list[ImpactItem]:
    """Return the jobs that are met on the way, each once with its tasks."""
    last = await links.last_runs(session, caller, found.jobs.values())
    ids = {each.job_id for each in found.jobs.values() if each.job_id is not None}
    owners = await links.owners(session, caller.workspace_id, ids)
    nexts = await links.next_fires(session, caller.workspace_id, ids)
    near: dict[str, int] = {}
    for (key, dataset, direction), _ in found.edges.items():
        if direction == INPUT and dataset in distances:
            near[key] = min(near.get(key, _FAR), distances[dataset] + 1)
    whole: dict[str, list[tuple[str, Link]]] = {}
    for key, link in found.jobs.items():
        if key in near:
            whole.setdefault(f"job:{link.job_id}" if link.job_id else key, []).append((key, link))
    items: list[ImpactItem] = []
    for name, tasks in whole.items():
        newest_key, newest = max(tasks, key=lambda each: each[1].last_at)
        node = job_node(caller, newest_key, newest, last)
        distance = min(near[key] for key, _ in tasks)
        if node.hidden:
            items.append(
                ImpactItem(id=node.id, kind="job", name="", distance=distance, hidden=True)
            )
            continue
        job_id = newest.job_id
        run = last.get(newest.run_id or 0)
        fires = nexts.get(job_id) if job_id else None
        items.append(
            ImpactItem(
                id=name,
                kind="job",
                name=node.full_name.rpartition(".")[0] if job_id else node.full_name,
                distance=distance,
                job_id=job_id,
                task_keys=tuple(sorted({atlas.task_key(link) for _, link in tasks})),
                owner=owners.get(job_id) if job_id else (run.owner if run else None),
                last_run_id=node.last_run_id,
                last_state=node.last_state,
                last_at=node.last_at,
                next_run_at=None if fires is None else millis(fires),
            )
        )
    return items


async def columns(session: AsyncSession, workspace_id: int, tables: Collection[str]) -> ColumnMap:
    """Return the columns of tables, what they are made from and what is made from them."""
    read = await links.links(session, workspace_id, direction=INPUT, datasets=tables)
    jobs = {each.job for each in read}
    made = await links.links(session, workspace_id, direction=OUTPUT, jobs=jobs) if jobs else ()
    outputs = set(tables) | {each.dataset for each in made}
    rows = await links.newest_columns(session, workspace_id, outputs)
    edges = {
        (row.input, row.input_column, row.output, row.output_column)
        for row in rows
        if row.output in tables or row.input in tables
    }
    known = await store.datasets(session, workspace_id, tables)
    told = {
        name: tuple(Column(name=each["name"], type=each["type"]) for each in row.schema_fields)
        for name, row in known.items()
    }
    return ColumnMap(
        tables=tuple(TableColumns(table=name, columns=told[name]) for name in sorted(told)),
        edges=tuple(
            ColumnEdge(from_table=a, from_column=b, to_table=c, to_column=d)
            for a, b, c, d in sorted(edges)
        ),
    )
