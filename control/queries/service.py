"""What may be done to saved queries."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.files.paths import normalise
from control.ids import new_id
from control.permissions.access import hand_over, own, require, visible
from control.permissions.levels import Kind, Level
from control.queries import store, versions
from control.queries.access import permitted
from control.queries.tables import SavedQuery
from control.queries.versions import dumped
from spec.api.queries import (
    CreateQuery,
    QueryContent,
    QueryList,
    QueryView,
    UpdateQuery,
)
from spec.errors import Forbidden, Invalid

_MUST_HAVE = frozenset({"display_name", "owner_user_name"})


class NameTaken(Invalid):
    """Another query of the folder has this name."""

    code = "RESOURCE_ALREADY_EXISTS"


async def create(deps: Deps, caller: Caller, request: CreateQuery) -> QueryView:
    """Save a query. One that was given no name gets one that is free.

    Raises:
        NameTaken: see there.
        Invalid: a parameter's query does not exist, or the folder is no workspace path.
    """
    fields = request.query
    row = SavedQuery(
        query_id=new_id(),
        workspace_id=caller.workspace_id,
        parent_path=normalise(fields.parent_path or f"/Users/{caller.user_name}"),
        owner=caller.user_name,
        last_modifier=caller.user_name,
        **_columns(fields),
    )
    resolve = request.auto_resolve_display_name or "display_name" not in fields.model_fields_set
    async with deps.database.session() as session:
        await _check_sources(session, caller, row)
        await _settle_name(session, row, resolve=resolve)
        session.add(row)
        await session.flush()
        await own(session, caller, Kind.QUERY, row.query_id)
        versions.note(session, row, caller.user_name, "created")
        audit.record(session, caller, "query.created", "query", row.query_id)
        await session.flush()
        await session.refresh(row)
    return view(row)


async def get(deps: Deps, caller: Caller, query_id: str) -> QueryView:
    """Return a query."""
    async with deps.database.read_session() as session:
        return view(await permitted(session, caller, query_id, Level.CAN_VIEW))


async def list_queries(
    deps: Deps, caller: Caller, page_size: int, page_token: str | None
) -> QueryList:
    """Return one page of active queries, newest first."""
    below = paging.text_below(page_token)
    async with deps.database.read_session() as session:
        rows = await store.page(
            session,
            caller.workspace_id,
            below=below,
            limit=page_size + 1,
            visible=visible(caller, Kind.QUERY, col(SavedQuery.query_id)),
        )
    shown, token = paging.cut_below(rows, page_size, lambda row: row.query_id)
    return QueryList(results=tuple(view(row) for row in shown), next_page_token=token)


async def update(deps: Deps, caller: Caller, query_id: str, change: UpdateQuery) -> QueryView:
    """Change the masked fields of a query; what it was stays readable as a version.

    Raises:
        NotFound, NameTaken: see there.
        Forbidden: the caller may not change it; it runs with its owner's rights, and somebody else
            changes it; or only its owner and admins may give it away.
        Invalid: the mask names a field that there is not or that must have a value, or a value
            names what does not exist.
    """
    values = _masked(change)
    async with deps.database.session() as session:
        row = await permitted(session, caller, query_id, Level.CAN_EDIT, lock=True)
        owner = values.pop("owner_user_name", row.owner)
        if owner != row.owner and row.run_as_mode == "OWNER":
            raise Forbidden(
                f"query {query_id} runs with its owner's rights and cannot be given away; set its"
                " run_as_mode to VIEWER first"
            )
        if owner != row.owner:
            await require(session, caller, Kind.QUERY, query_id, Level.IS_OWNER)
            row.owner = await hand_over(session, row.workspace_id, Kind.QUERY, query_id, owner)
        content = QueryContent.model_validate(dumped(versions.content_of(row)) | values)
        await _write(
            session,
            row,
            content,
            caller,
            "updated",
            resolve=change.auto_resolve_display_name,
        )
        audit.record(session, caller, "query.updated", "query", query_id, fields=sorted(values))
    return view(row)


def _masked(change: UpdateQuery) -> dict[str, Any]:
    given = change.query.model_dump(mode="json", exclude_unset=True)
    mask = [name.strip() for name in change.update_mask.split(",")]
    names = list(given) if mask == ["*"] else list(dict.fromkeys(mask))
    first = dumped(QueryContent())
    fields = QueryContent.model_fields
    known = {each.alias or name for name, each in fields.items()} | {"owner_user_name"}
    if unknown := sorted(set(names) - known):
        raise Invalid(f"update_mask: there is no field {', '.join(unknown)} that can be changed")
    if empty := sorted(name for name in names if given.get(name) is None and name in _MUST_HAVE):
        raise Invalid(f"update_mask: give the query's {', '.join(empty)} a value")
    return {name: given[name] if given.get(name) is not None else first.get(name) for name in names}


async def restore(deps: Deps, caller: Caller, query_id: str, version: int) -> int:
    """Give a query the content of one of its versions again; return the newest version then.

    Raises:
        NotFound: there is no such query or version.
        NameTaken: another query has the name that it had.
        Invalid: a query that the version needs is not there any more.
    """
    async with deps.database.session() as session:
        row = await permitted(session, caller, query_id, Level.CAN_EDIT, lock=True)
        old = await versions.find(session, row, version)
        content = QueryContent.model_validate(old.content)
        await _write(session, row, content, caller, f"restored from version {version}")
        audit.record(session, caller, "query.restored", "query", query_id, version=version)
        return row.version


async def _write(
    session: AsyncSession,
    row: SavedQuery,
    content: QueryContent,
    caller: Caller,
    cause: str,
    *,
    resolve: bool = False,
) -> None:
    """Give a locked query this content, as a new version unless it is the same."""
    old = versions.content_of(row)
    if "OWNER" in (old.run_as_mode, content.run_as_mode) and caller.user_name != row.owner:
        raise Forbidden(
            f"query {row.query_id} runs with the rights of {row.owner}, who alone may change it"
        )
    renamed = content.display_name != row.display_name
    with session.no_autoflush:
        for name, value in _columns(content).items():
            setattr(row, name, value)
        await _check_sources(session, caller, row)
        if renamed and row.trashed_at is None:
            await _settle_name(session, row, resolve=resolve)
    row.last_modifier, row.updated_at = caller.user_name, datetime.now(UTC)
    if versions.content_of(row) != old:
        row.version += 1
        versions.note(session, row, caller.user_name, cause)


def _columns(content: QueryContent) -> dict[str, Any]:
    values = content.model_dump(mode="json", by_alias=False, exclude={"parent_path"})
    parameters = [each.model_dump(mode="json", exclude_none=True) for each in content.parameters]
    return values | {"parameters": parameters}


async def _check_sources(session: AsyncSession, caller: Caller, row: SavedQuery) -> None:
    """Make sure that the queries exist which parameters take their values from."""
    for parameter in versions.content_of(row).parameters:
        backed = parameter.query_backed_value
        if backed is None:
            continue
        if await store.find_active(session, row.workspace_id, backed.query_id) is None:
            raise Invalid(
                f"parameter '{parameter.name}': there is no saved query '{backed.query_id}';"
                " make it with sql/queries first"
            )
        await require(session, caller, Kind.QUERY, backed.query_id, Level.CAN_RUN)


async def _settle_name(session: AsyncSession, row: SavedQuery, *, resolve: bool) -> None:
    """Make sure that the query's name is its own; give it a number where that may be done."""
    await store.lock_names(session, row.workspace_id, row.parent_path)
    taken = await store.names(session, row)
    if row.display_name not in taken:
        return
    if not resolve:
        raise NameTaken(
            f"there is a query '{row.display_name}' in {row.parent_path} already; choose another"
            " name, or send auto_resolve_display_name"
        )
    name, number = row.display_name, 1
    while row.display_name in taken:
        row.display_name, number = f"{name} ({number})", number + 1


async def trash(deps: Deps, caller: Caller, query_id: str) -> None:
    """Put a query into the trash; runs that pinned it keep what they have."""
    async with deps.database.session() as session:
        row = await permitted(session, caller, query_id, Level.CAN_MANAGE, lock=True)
        row.trashed_at = row.trashed_at or datetime.now(UTC)
        audit.record(session, caller, "query.trashed", "query", query_id)


async def untrash(deps: Deps, caller: Caller, query_id: str) -> None:
    """Take a query out of the trash; a name that is taken meanwhile gets a number.

    Raises:
        NotFound, Forbidden: see `permitted`.
    """
    async with deps.database.session() as session:
        row = await permitted(session, caller, query_id, Level.CAN_MANAGE, lock=True)
        if row.trashed_at is None:
            return
        await _settle_name(session, row, resolve=True)
        row.trashed_at = None
        audit.record(session, caller, "query.untrashed", "query", query_id)


def view(row: SavedQuery) -> QueryView:
    """Return a query as Databricks shows it."""
    return QueryView(
        **dumped(versions.content_of(row)),
        id=row.query_id,
        parent_path=row.parent_path,
        owner_user_name=row.owner,
        last_modifier_user_name=row.last_modifier,
        lifecycle_state="TRASHED" if row.trashed_at else "ACTIVE",
        create_time=iso(row.created_at),
        update_time=iso(row.updated_at),
    )


def iso(at: datetime | None) -> str:
    """Return an instant as queries and alerts show it; empty for one that has not come."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
