"""What a schema's page is asked for: its tables with their size and who changed them last."""

import asyncio

from control import paging
from control.auth import Caller
from control.deps import Deps
from control.lakehouse import views
from control.lakehouse.base import Entry, Kind, TableName
from control.lakehouse.catalogs import Lakehouse
from control.lakehouse.unity import get_schema
from spec.api import tables as api

_AT_ONCE = 8
"""How many tables are loaded at a time."""


async def list_tables(
    deps: Deps, caller: Caller, schema: str, limit: int, token: str | None
) -> api.TableOverviewList:
    """Return one page of a schema's tables and views by name.

    Raises:
        NotFound: there is no such schema.
    """
    await get_schema(deps, schema)
    catalog, _, rest = schema.partition(".")
    after = str(paging.decode(token).get("after", ""))
    entries = await deps.lakehouse.catalog(catalog).entries(tuple(rest.split(".")))
    left = sorted(each for each in entries if each.key[-1] > after)
    gate = asyncio.Semaphore(_AT_ONCE)
    shown = await asyncio.gather(
        *(_overview(deps.lakehouse, caller, catalog, each, gate) for each in left[:limit])
    )
    more = len(left) > limit
    return api.TableOverviewList(
        tables=tuple(shown),
        next_page_token=paging.encode(after=left[limit - 1].key[-1]) if more else None,
    )


async def _overview(
    lakehouse: Lakehouse, caller: Caller, catalog: str, entry: Entry, gate: asyncio.Semaphore
) -> api.TableOverview:
    name = TableName(catalog, entry.key[:-1], entry.key[-1])
    async with gate:
        loaded = await lakehouse.catalog(catalog).load(entry.key)
    if loaded is None:
        # Dropped since it was listed.
        return api.TableOverview(name=name.table, full_name=str(name), kind=entry.kind.value)
    current = views.current_snapshot(loaded.metadata) if loaded.kind is Kind.TABLE else None
    async with gate:
        counted = await lakehouse.counts(name, loaded, [current] if current else [])
    counts = next(iter(counted.values()), None)
    size = views.statistics(current, counts) if current else None
    return api.TableOverview(
        name=name.table,
        full_name=str(name),
        kind=loaded.kind.value,
        rows=size.rows if size else None,
        bytes=size.bytes if size else None,
        updated_at=views.updated_at(loaded.metadata),
        writer=views.snapshot_view(current, caller.workspace_id).writer if current else None,
        comment=views.properties_of(loaded.metadata).get("comment"),
    )
