"""What may be done to saved queries."""

from datetime import UTC, datetime

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.ids import new_id
from control.queries import store
from control.queries.tables import SavedQuery
from spec.api.queries import QueryFields, QueryList, QueryView, UpdateQuery
from spec.errors import Invalid


async def create(deps: Deps, caller: Caller, fields: QueryFields) -> QueryView:
    """Save a query."""
    now = datetime.now(UTC)
    async with deps.database.session() as session:
        row = SavedQuery(
            query_id=new_id(),
            workspace_id=caller.workspace_id,
            owner=caller.user_name,
            last_modifier=caller.user_name,
            created_at=now,
            updated_at=now,
            **fields.model_dump(mode="json"),
        )
        session.add(row)
        audit.record(session, caller, "query.created", "query", row.query_id)
    return view(row)


async def get(deps: Deps, caller: Caller, query_id: str) -> QueryView:
    """Return a query."""
    async with deps.database.read_session() as session:
        return view(await store.get(session, caller.workspace_id, query_id))


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
        )
    shown, token = paging.cut_below(rows, page_size, lambda row: row.query_id)
    return QueryList(results=tuple(view(row) for row in shown), next_page_token=token)


async def update(deps: Deps, caller: Caller, query_id: str, change: UpdateQuery) -> QueryView:
    """Change the masked fields of a query.

    Raises:
        Invalid: the mask names a field that there is not.
    """
    known = set(QueryFields.model_fields)
    given = change.query.model_dump(mode="json", exclude_unset=True)
    mask = [name.strip() for name in change.update_mask.split(",")]
    names = list(given) if mask == ["*"] else mask
    if unknown := sorted(set(names) - known):
        raise Invalid(f"update_mask: there is no field {', '.join(unknown)}")
    values = change.query.model_dump(mode="json")
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, query_id, lock=True)
        for name in names:
            setattr(row, name, values[name])
        row.last_modifier, row.updated_at = caller.user_name, datetime.now(UTC)
        audit.record(session, caller, "query.updated", "query", query_id, fields=names)
    return view(row)


async def trash(deps: Deps, caller: Caller, query_id: str) -> None:
    """Put a query into the trash; runs that pinned its text keep it."""
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, query_id, lock=True)
        row.trashed_at = row.trashed_at or datetime.now(UTC)
        audit.record(session, caller, "query.trashed", "query", query_id)


def view(row: SavedQuery) -> QueryView:
    """Return a query as Databricks shows it."""
    return QueryView(
        id=row.query_id,
        display_name=row.display_name,
        query_text=row.query_text,
        warehouse_id=row.warehouse_id,
        description=row.description,
        tags=tuple(row.tags),
        owner_user_name=row.owner,
        last_modifier_user_name=row.last_modifier,
        lifecycle_state="TRASHED" if row.trashed_at else "ACTIVE",
        create_time=iso(row.created_at),
        update_time=iso(row.updated_at),
    )


def iso(at: datetime | None) -> str:
    """Return an instant as queries and alerts show it; empty for one that has not come."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
