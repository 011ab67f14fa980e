"""Draws the map of lineage: datasets and the tasks of jobs, of a workspace or around one of them.

Task runs of one task are one node; so are the iterations of a for-each, and a job that was renamed
in between.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.lineage import links, store
from control.lineage.links import LastRun, Link
from control.lineage.store import INPUT, OUTPUT
from spec.api.lineage import LineageMap, MapEdge, MapNode
from spec.errors import Invalid, NotFound
from spec.states import TaskResult, task_word

Direction = Literal["both", "up", "down"]

_TABLE = re.compile(r"[^/:\s]+(\.[^/:\s]+){2,}")
_ITERATION = re.compile(r"\[.*\]$")


def dataset_id(name: str) -> str:
    """Return the id of a dataset's node."""
    return f"{_kind(name)}:{name}"


def _kind(name: str) -> Literal["table", "path"]:
    return "table" if _TABLE.fullmatch(name) else "path"


def task_key(link: Link) -> str:
    """Return the task of a link's job, without the place in a for-each."""
    plain = _ITERATION.sub("", link.job)
    return plain.rpartition(".")[2] if link.task_run_id is not None else plain


def _key(link: Link) -> str:
    if link.job_id is not None:
        return f"job:{link.job_id}/{task_key(link)}"
    return f"job:{_ITERATION.sub('', link.job)}"


@dataclass
class _Edge:
    """All links between one task and one dataset in one direction."""

    links: list[Link] = field(default_factory=list[Link])

    @property
    def newest(self) -> Link:
        return max(self.links, key=lambda link: link.last_at)


@dataclass
class Found:
    """What is drawn: edges by (job, dataset, direction), up to so many nodes."""

    limit: int
    edges: dict[tuple[str, str, str], _Edge] = field(
        default_factory=dict[tuple[str, str, str], _Edge]
    )
    jobs: dict[str, Link] = field(default_factory=dict[str, Link])
    """The newest link of each."""
    datasets: set[str] = field(default_factory=set[str])
    truncated: bool = False

    def add(self, more: Iterable[Link]) -> set[str]:
        """Take links, as far as their nodes have room; return the datasets that are new."""
        before = set(self.datasets)
        for link in more:
            job = _key(link)
            fresh = (job not in self.jobs) + (link.dataset not in self.datasets)
            if fresh and len(self.jobs) + len(self.datasets) + fresh > self.limit:
                self.truncated = True
                continue
            known = self.jobs.get(job)
            if known is None or known.last_at < link.last_at:
                self.jobs[job] = link
            self.datasets.add(link.dataset)
            self.edges.setdefault((job, link.dataset, link.direction), _Edge()).links.append(link)
        return self.datasets - before


async def draw(
    session: AsyncSession,
    caller: Caller,
    root: str | None,
    direction: Direction,
    depth: int,
    limit: int,
) -> LineageMap:
    """Return the map of a workspace, or what is near one node.

    Args:
        session: For reading.
        caller: Jobs that they may not see have no names.
        root: A node's id, `job:<job id>` for all tasks of a job, or a table's full name.
        direction: Where to look from the root.
        depth: How many jobs away.
        limit: At most so many nodes.

    Raises:
        NotFound: nothing is known of the root.
        Invalid: it is no id.
    """
    found = Found(limit)
    always: tuple[str, ...] = ()
    if root is None:
        whole = await links.links(session, caller.workspace_id)
        found.add(whole)
        found.truncated = found.truncated or len(whole) == links.MOST_LINKS
    elif root.startswith("job:"):
        await _around_job(session, caller, root, direction, depth, found)
    else:
        name = root.removeprefix("table:").removeprefix("path:")
        if not await links.is_known(session, caller.workspace_id, name):
            raise NotFound(f"No lineage is known of '{name[:300]}'.", table=name[:300])
        always = (name,)
        found.datasets.add(name)
        await around(session, caller.workspace_id, {name}, direction, depth, found)
    return await _drawn(session, caller, found, always)


async def _around_job(
    session: AsyncSession, caller: Caller, root: str, direction: Direction, depth: int, found: Found
) -> None:
    number, _, task = root.removeprefix("job:").partition("/")
    if number.isascii() and number.isdecimal():
        if len(number) > 18:
            raise Invalid(f"root: '{root[:60]}' is no job")
        own = await links.links(session, caller.workspace_id, job_id=int(number))
        own = [each for each in own if not task or task_key(each) == task]
    else:
        own = await links.links(session, caller.workspace_id, jobs={root.removeprefix("job:")})
        own = [each for each in own if each.job_id is None]
    last = await links.last_runs(session, caller, own)
    own = [each for each in own if _is_visible(each, last)]
    if not own:
        raise NotFound(f"No lineage is known of '{root[:300]}'.", root=root[:300])
    wanted = {"up": (INPUT,), "down": (OUTPUT,), "both": (INPUT, OUTPUT)}[direction]
    found.add(each for each in own if each.direction in wanted)
    sides: tuple[tuple[str, Direction], ...] = ((INPUT, "up"), (OUTPUT, "down"))
    for side, way in sides:
        start = {each.dataset for each in own if each.direction == side} & found.datasets
        if side in wanted and start and depth > 1:
            await around(session, caller.workspace_id, start, way, depth - 1, found)


async def around(
    session: AsyncSession,
    workspace_id: int,
    start: set[str],
    direction: Direction,
    depth: int,
    found: Found,
) -> dict[str, int]:
    """Add what is up and down from datasets; return dataset → how many jobs away it was found."""
    distances = dict.fromkeys(start, 0)
    for way, near, far in (("up", OUTPUT, INPUT), ("down", INPUT, OUTPUT)):
        if direction not in ("both", way):
            continue
        frontier, seen, step = set(start), set(start), 0
        while frontier and step < depth and not found.truncated:
            step += 1
            beside = await links.links(session, workspace_id, direction=near, datasets=frontier)
            found.add(beside)
            keys = {_key(each) for each in beside} & found.jobs.keys()
            names = {each.job for each in beside if _key(each) in keys}
            beyond = await links.links(session, workspace_id, direction=far, jobs=names)
            found.add(each for each in beyond if _key(each) in keys)
            frontier = {each.dataset for each in beyond if _key(each) in keys} - seen
            seen |= frontier
            for name in frontier:
                distances.setdefault(name, step)
    return distances


async def _drawn(
    session: AsyncSession, caller: Caller, found: Found, always: Sequence[str]
) -> LineageMap:
    names = found.datasets | set(always)
    last = await links.last_runs(session, caller, found.jobs.values())
    written = await links.last_written(session, caller.workspace_id, names)
    snapshots = await store.snapshots(
        session,
        {
            newest.task_run_id
            for edge in found.edges.values()
            if (newest := edge.newest).task_run_id is not None
        },
    )
    jobs = {key: job_node(caller, key, link, last) for key, link in found.jobs.items()}
    return LineageMap(
        nodes=(
            *(_dataset(name, written.get(name)) for name in sorted(names)),
            *(node for _, node in sorted(jobs.items())),
        ),
        edges=tuple(
            _edge(jobs[job].id, dataset_id(dataset), direction, edge, snapshots)
            for (job, dataset, direction), edge in sorted(found.edges.items())
        ),
        truncated=found.truncated,
    )


def _is_visible(link: Link, last: dict[int, LastRun]) -> bool:
    run = last.get(link.run_id or 0)
    return link.run_id is None or (run is not None and run.visible)


def job_node(caller: Caller, key: str, link: Link, last: dict[int, LastRun]) -> MapNode:
    """Return a job's node; without its names, when the caller may not see it."""
    run = last.get(link.task_run_id or 0) or last.get(link.run_id or 0)
    if not _is_visible(link, last):
        hidden = f"job:{links.hidden_name(caller.workspace_id, key)}"
        return MapNode(id=hidden, kind="job", name="", full_name="", hidden=True)
    facts: dict[str, Any] = {}
    if run is not None:
        facts = {"job_id": run.job_id, "last_run_id": run.run_id}
        if run.task_run_id is not None:
            result = TaskResult(run.result) if run.result else None
            facts["last_state"] = task_word(result, run.started_at is not None)
    full = _ITERATION.sub("", link.job)
    return MapNode(
        id=key,
        kind="job",
        name=task_key(link),
        full_name=full,
        last_at=millis(link.last_at),
        **facts,
    )


def _dataset(name: str, written: datetime | None) -> MapNode:
    kind = _kind(name)
    return MapNode(
        id=dataset_id(name),
        kind=kind,
        name=name.rpartition("." if kind == "table" else "/")[2] or name,
        full_name=name,
        last_written_at=None if written is None else millis(written),
    )


def _edge(
    job: str, dataset: str, direction: str, edge: _Edge, snapshots: store.Snapshots
) -> MapEdge:
    newest = edge.newest
    is_output = direction == OUTPUT
    return MapEdge(
        source=job if is_output else dataset,
        target=dataset if is_output else job,
        runs=sum(each.runs for each in edge.links),
        last_at=millis(newest.last_at),
        proven=(newest.task_run_id or 0, newest.dataset, direction) in snapshots,
    )


def millis(at: datetime) -> int:
    """Return an instant in epoch milliseconds."""
    return int(at.timestamp() * 1000)
