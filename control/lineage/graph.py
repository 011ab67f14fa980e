"""Draws lineage graphs from stored edges."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.lineage import links, store
from control.lineage.tables import LineageColumn, LineageDataset, LineageEdge
from spec.api.lineage import Column, ColumnLink, DatasetNode, Edge, Graph, JobNode

MOST_EDGES = 10_000
"""A graph larger than this is cut; nobody reads it anyway."""


@dataclass
class _Found:
    """Edges by job, dataset and direction; the newest of each stays."""

    edges: dict[tuple[str, str, str], LineageEdge] = field(
        default_factory=dict[tuple[str, str, str], LineageEdge]
    )

    def add(self, edges: Iterable[LineageEdge]) -> list[LineageEdge]:
        fresh: list[LineageEdge] = []
        for edge in edges:
            key = (edge.job, edge.dataset, edge.direction)
            if key not in self.edges and len(self.edges) < MOST_EDGES:
                fresh.append(edge)
                self.edges[key] = edge
        return fresh


async def run_graph(session: AsyncSession, workspace_id: int, run_id: int) -> Graph:
    """Return what the tasks of a run read and wrote."""
    edges = await store.edges_of_run(session, workspace_id, run_id)
    newest: dict[tuple[str, str, str], LineageEdge] = {}
    for edge in edges:
        key = (edge.job, edge.dataset, edge.direction)
        known = newest.get(key)
        if known is None or (edge.task_run_id or 0) >= (known.task_run_id or 0):
            newest[key] = edge
    return await _graph(session, workspace_id, list(newest.values()), ())


async def table_graph(session: AsyncSession, caller: Caller, name: str, depth: int | None) -> Graph:
    """Return what a table was made from and what was made from it.

    Jobs that the caller may not see are there without their names and runs.

    Args:
        session: For reading.
        caller: Who asks; the lineage is that of its workspace.
        name: The table's canonical name.
        depth: How many jobs away to look on both sides; None for the whole graph.
    """
    found = _Found()
    workspace_id = caller.workspace_id
    await _walk(session, workspace_id, name, depth, found, store.OUTPUT, store.INPUT)
    await _walk(session, workspace_id, name, depth, found, store.INPUT, store.OUTPUT)
    edges = await _as_seen(session, caller, list(found.edges.values()))
    return await _graph(session, workspace_id, edges, (name,))


async def _as_seen(
    session: AsyncSession, caller: Caller, edges: Sequence[LineageEdge]
) -> list[LineageEdge]:
    """Return edges without the names and runs of jobs that the caller may not see."""
    runs = {edge.run_id for edge in edges if edge.run_id is not None}
    seen = await links.visible_ids(session, caller, runs)
    return [
        edge
        if edge.run_id is None or edge.run_id in seen
        else LineageEdge(
            **edge.model_dump(exclude={"job", "run_id", "task_run_id"}),
            job=links.hidden_name(caller.workspace_id, edge.job),
        )
        for edge in edges
    ]


async def _walk(
    session: AsyncSession,
    workspace_id: int,
    name: str,
    depth: int | None,
    found: _Found,
    near: str,
    far: str,
) -> None:
    """Go one way: upstream over those who wrote and what they read, downstream the reverse."""
    frontier, seen = {name}, {name}
    steps = 0
    while frontier and (depth is None or steps < depth):
        steps += 1
        beside = await store.edges_at(session, workspace_id, near, datasets=frontier)
        jobs = {edge.job for edge in found.add(beside)}
        beyond = await store.edges_at(session, workspace_id, far, jobs=jobs) if jobs else ()
        found.add(beyond)
        frontier = {edge.dataset for edge in beyond} - seen
        seen |= frontier


async def _graph(
    session: AsyncSession,
    workspace_id: int,
    edges: Sequence[LineageEdge],
    always: Sequence[str],
) -> Graph:
    names = {edge.dataset for edge in edges} | set(always)
    known = await store.datasets(session, workspace_id, names)
    snapshots = await store.snapshots(
        session, {edge.task_run_id for edge in edges if edge.task_run_id is not None}
    )
    links: dict[tuple[str, str], list[LineageColumn]] = defaultdict(list)
    for link in await store.columns(session, workspace_id, {edge.source_run for edge in edges}):
        links[link.source_run, link.output].append(link)
    jobs: dict[str, LineageEdge] = {}
    for edge in edges:
        if edge.job not in jobs or edge.at >= jobs[edge.job].at:
            jobs[edge.job] = edge
    nodes = [_dataset(name, known.get(name)) for name in sorted(names) if name in known or edges]
    return Graph(
        nodes=(*nodes, *(_job(name, edge) for name, edge in sorted(jobs.items()))),
        edges=tuple(_edge(edge, snapshots, links) for edge in sorted(edges, key=_order)),
    )


def _order(edge: LineageEdge) -> tuple[str, str, str]:
    return edge.job, edge.direction, edge.dataset


def _dataset(name: str, row: LineageDataset | None) -> DatasetNode:
    fields = row.schema_fields if row is not None else []
    columns = tuple(Column(name=each["name"], type=each["type"]) for each in fields)
    return DatasetNode(id=f"dataset:{name}", name=name, columns=columns)


def _job(name: str, edge: LineageEdge) -> JobNode:
    return JobNode(id=f"job:{name}", name=name, run_id=edge.run_id, task_run_id=edge.task_run_id)


def _edge(
    edge: LineageEdge,
    snapshots: store.Snapshots,
    links: dict[tuple[str, str], list[LineageColumn]],
) -> Edge:
    dataset, job = f"dataset:{edge.dataset}", f"job:{edge.job}"
    is_output = edge.direction == store.OUTPUT
    seen = snapshots.get((edge.task_run_id or 0, edge.dataset, edge.direction), set[int]())
    made = links.get((edge.source_run, edge.dataset), []) if is_output else []
    return Edge(
        source=job if is_output else dataset,
        target=dataset if is_output else job,
        run_id=edge.run_id,
        task_run_id=edge.task_run_id,
        snapshot_ids=tuple(str(snapshot) for snapshot in sorted(seen) if snapshot >= 0),
        column_lineage=tuple(
            ColumnLink(
                output_column=link.output_column, input=link.input, input_column=link.input_column
            )
            for link in made
        ),
    )
