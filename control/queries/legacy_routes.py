"""`/api/2.0/preview/sql/queries`: saved queries as older clients ask for them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.auth import Caller
from control.bodies import validate
from control.deps import Deps
from control.http import CallerArg, DepsArg, compact
from control.queries import service
from spec.api.jobs import Empty
from spec.api.legacy_queries import LegacyFields, LegacyQueryList, LegacyQueryView
from spec.api.queries import CreateQuery, UpdateQuery

router = APIRouter(prefix="/api/2.0/preview/sql/queries", tags=["queries"])

Order = Literal["name", "-name", "created_at", "-created_at"]
_AT_ONCE = 1000


@router.post("", response_model=LegacyQueryView)
async def create_legacy_query(body: LegacyFields, caller: CallerArg, deps: DepsArg) -> Response:
    """Save a query; a name that is taken gets a number."""
    order = validate(CreateQuery, {"query": body.modern(), "auto_resolve_display_name": True})
    return compact(LegacyQueryView.of(await service.create(deps, caller, order)))


@router.get("", response_model=LegacyQueryList)
async def list_legacy_queries(
    caller: CallerArg,
    deps: DepsArg,
    page: Annotated[int, Query(ge=1, le=1 << 31)] = 1,
    page_size: Annotated[int, Query(ge=1, le=_AT_ONCE)] = 25,
    order: Order = "-created_at",
    q: Annotated[str, Query(description="A part of the name, whatever its case.")] = "",
) -> Response:
    """List saved queries by page number; `sql/queries` lists without reading all of them."""
    found = [each for each in await _all(deps, caller) if q.lower() in each.name.lower()]
    found.sort(key=lambda each: each.name if "name" in order else each.id)
    if order.startswith("-"):
        found.reverse()
    first = (page - 1) * page_size
    shown = tuple(found[first : first + page_size])
    return compact(LegacyQueryList(count=len(found), page=page, page_size=page_size, results=shown))


async def _all(deps: Deps, caller: Caller) -> list[LegacyQueryView]:
    found: list[LegacyQueryView] = []
    token: str | None = None
    while True:
        page = await service.list_queries(deps, caller, _AT_ONCE, token)
        found += [LegacyQueryView.of(each) for each in page.results]
        token = page.next_page_token
        if token is None:
            return found


@router.get("/{query_id}", response_model=LegacyQueryView)
async def get_legacy_query(query_id: str, caller: CallerArg, deps: DepsArg) -> Response:
    """Read a saved query."""
    return compact(LegacyQueryView.of(await service.get(deps, caller, query_id)))


@router.post("/trash/{query_id}")
async def restore_legacy_query(query_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Take a saved query out of the trash; a name that is taken gets a number."""
    await service.untrash(deps, caller, query_id)
    return Empty()


@router.post("/{query_id}", response_model=LegacyQueryView)
async def update_legacy_query(
    query_id: str, body: LegacyFields, caller: CallerArg, deps: DepsArg
) -> Response:
    """Change what is given of a saved query."""
    given = body.modern()
    if not given:
        return compact(LegacyQueryView.of(await service.get(deps, caller, query_id)))
    change = validate(UpdateQuery, {"query": given, "update_mask": ",".join(given)})
    return compact(LegacyQueryView.of(await service.update(deps, caller, query_id, change)))


@router.delete("/{query_id}")
async def trash_legacy_query(query_id: str, caller: CallerArg, deps: DepsArg) -> Empty:
    """Put a saved query into the trash."""
    await service.trash(deps, caller, query_id)
    return Empty()
