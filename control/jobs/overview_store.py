"""Queries behind the list of jobs as the console shows it; each is asked once for a whole page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.sql.selectable import LateralFromClause
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import Job
from control.permissions.levels import Kind, Level
from control.permissions.tables import Grant
from control.runs.tables import Run
from control.workspaces.tables import Principal
from spec.api.overview import MOST_LAST_RUNS, JobSort, ListJobOverviews


@dataclass(frozen=True)
class After:
    """Where a page goes on: the last job of the page before, and the key that sorts it."""

    key: str | int
    job_id: int


class Facts(NamedTuple):
    """A job without its tasks, which may be many."""

    job_id: int
    name: str
    creator: str
    created_at: datetime
    settings: dict[str, Any]
    task_count: int
    task_types: Sequence[str]
    """Of each task."""


class RunFacts(NamedTuple):
    """One of a job's newest runs."""

    job_id: int
    run_id: int
    life: str
    result: str | None
    created_at: datetime
    ended_at: datetime | None
    trigger: str


_TYPES = '$.tasks[*].keyvalue().key ? (@ like_regex "_task$")'


def _newest(count: int) -> LateralFromClause:
    """Return the newest runs of a query's job, by the index `ix_runs_job_run`."""
    names = RunFacts._fields[1:]
    return (
        select(*(getattr(Run, name) for name in names))
        .where(col(Run.job_id) == col(Job.job_id), col(Run.deleted_at).is_(None))
        .order_by(col(Run.run_id).desc())
        .limit(count)
        .lateral("newest")
    )


async def page(
    session: AsyncSession,
    workspace_id: int,
    query: ListJobOverviews,
    *,
    after: After | None,
    limit: int,
    visible: ColumnElement[bool],
) -> list[tuple[int, str | int]]:
    """Return the ids of jobs in the order asked for, each with the key that sorts it."""
    newest = _newest(1)
    keys: dict[JobSort, Any] = {
        "name": func.lower(col(Job.name)),
        "-created_at": col(Job.job_id),
        "-last_run_at": func.coalesce(newest.c.run_id, 0),
    }
    key = keys[query.sort]
    found = select(col(Job.job_id), key).where(
        col(Job.workspace_id) == workspace_id, col(Job.deleted_at).is_(None), visible
    )
    if query.sort == "-last_run_at" or query.last_state is not None:
        found = found.outerjoin(newest, true())
    if query.last_state is not None:
        state = func.coalesce(newest.c.result, newest.c.life)
        found = found.where(state == query.last_state)
    found = found.where(*_chosen(workspace_id, query))
    place = tuple_(key, col(Job.job_id))
    down = query.sort.startswith("-")
    if after is not None:
        before = tuple_(literal(after.key), literal(after.job_id, BigInteger))
        found = found.where(place < before if down else place > before)
    order = (key.desc(), col(Job.job_id).desc()) if down else (key, col(Job.job_id))
    rows = await (await session.connection()).execute(found.order_by(*order).limit(limit))
    return [(row[0], row[1]) for row in rows]


def _chosen(workspace_id: int, query: ListJobOverviews) -> list[ColumnElement[bool]]:
    """Return the conditions on a job itself."""
    conditions: list[ColumnElement[bool]] = []
    settings: Any = col(Job.settings)
    if query.search:
        conditions.append(col(Job.name).icontains(query.search, autoescape=True))
    if query.tag:
        name, colon, value = query.tag.partition(":")
        tags = settings["tags"]
        whole = tags.has_key(query.tag)
        conditions.append(or_(whole, tags[name].astext == value) if colon else whole)
    if query.owner:
        conditions.append(_owned_by(workspace_id, query.owner))
    if query.paused is not None:
        kinds = ("schedule", "trigger", "continuous")
        status = func.coalesce(*(settings[kind]["pause_status"].astext for kind in kinds))
        conditions.append(status == ("PAUSED" if query.paused else "UNPAUSED"))
    return conditions


def _owned_by(workspace_id: int, user_name: str) -> ColumnElement[bool]:
    """Return the condition that somebody owns a job, or made one that has no owner any more."""
    # CASE, because PostgreSQL may otherwise read the ids of other kinds as numbers.
    job_id = case((col(Grant.kind) == Kind.JOB.value, cast(Grant.object_id, BigInteger)))
    owned = (
        select(job_id)
        .join(Principal, col(Principal.principal_id) == col(Grant.principal_id))
        .where(
            col(Grant.workspace_id) == workspace_id,
            col(Grant.kind) == Kind.JOB.value,
            col(Grant.level) == Level.IS_OWNER.value,
        )
    )
    mine = col(Job.job_id).in_(owned.where(col(Principal.user_name) == user_name))
    return or_(mine, and_(col(Job.creator) == user_name, col(Job.job_id).not_in(owned)))


async def facts(session: AsyncSession, job_ids: Collection[int]) -> dict[int, Facts]:
    """Return jobs by id; their tasks are counted where they lie."""
    settings: Any = col(Job.settings)
    query = select(
        col(Job.job_id),
        col(Job.name),
        col(Job.creator),
        col(Job.created_at),
        settings.op("-", return_type=settings.type)(cast("tasks", String)),
        func.jsonb_array_length(settings["tasks"]),
        # One word a task. No subquery: PostgreSQL would think it dear, and compile it first.
        func.jsonb_path_query_array(settings, cast(_TYPES, JSONPATH)),
    ).where(col(Job.job_id).in_(job_ids))
    rows = await (await session.connection()).execute(query)
    return {row[0]: Facts(*row) for row in rows}


async def last_runs(session: AsyncSession, job_ids: Collection[int]) -> list[RunFacts]:
    """Return the newest runs of some jobs, those of a job newest first."""
    newest = _newest(MOST_LAST_RUNS)
    query = (
        select(col(Job.job_id), *newest.c)
        .join(newest, true())
        .where(col(Job.job_id).in_(job_ids))
        .order_by(col(Job.job_id), newest.c.run_id.desc())
    )
    rows = await (await session.connection()).execute(query)
    return [RunFacts(*row) for row in rows]
