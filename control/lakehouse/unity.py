"""What Databricks' Unity Catalog API is asked for: catalogs, schemas, tables and their names."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from control import paging
from control.deps import Deps
from control.lakehouse import views
from control.lakehouse.base import Entry, Key, Kind, TableName
from control.lakehouse.catalogs import Lakehouse
from spec.api import catalog as api
from spec.errors import NotFound

_T = TypeVar("_T")
_PAGE = 1000
_MOST = 10_000
_SCHEMAS_A_PAGE = 50
"""How many schemas one page of summaries looks into, at most."""


def list_catalogs(deps: Deps, limit: int, token: str | None) -> api.CatalogList:
    """Return one page of catalogs; whether they answer is not asked."""
    shown, more = _page(list(deps.lakehouse.catalogs), limit, token, lambda name: name)
    return api.CatalogList(
        catalogs=tuple(_catalog(deps.lakehouse, name) for name in shown), next_page_token=more
    )


def get_catalog(deps: Deps, name: str) -> api.CatalogInfo:
    """Return a catalog."""
    return _catalog(deps.lakehouse, name)


async def list_schemas(deps: Deps, catalog: str, limit: int, token: str | None) -> api.SchemaList:
    """Return one page of a catalog's schemas."""
    names = await deps.lakehouse.catalog(catalog).namespaces()
    shown, more = _page(names, limit, token, ".".join)
    return api.SchemaList(
        schemas=tuple(_schema(deps.lakehouse, catalog, each, None) for each in shown),
        next_page_token=more,
    )


async def get_schema(deps: Deps, full_name: str) -> api.SchemaInfo:
    """Return a schema.

    Raises:
        NotFound: there is none of this name.
    """
    catalog, _, rest = full_name.partition(".")
    namespace = tuple(rest.split("."))
    if not all(namespace):
        raise NotFound(f"Schema '{full_name}' does not exist: a full name is '<catalog>.<schema>'.")
    properties = await deps.lakehouse.catalog(catalog).namespace(namespace)
    if properties is None:
        raise NotFound(f"Schema '{full_name}' does not exist.")
    return _schema(deps.lakehouse, catalog, namespace, properties)


async def list_tables(
    deps: Deps, catalog: str, schema: str, limit: int, token: str | None
) -> api.TableList:
    """Return one page of a schema's tables and views; none is loaded."""
    entries = await deps.lakehouse.catalog(catalog).entries(tuple(schema.split(".")))
    shown, more = _page(entries, limit, token, _last)
    managed = deps.lakehouse.is_managed(catalog)
    return api.TableList(
        tables=tuple(_listed(catalog, each, managed) for each in shown), next_page_token=more
    )


async def get_table(deps: Deps, full_name: str) -> api.TableInfo:
    """Return a table with its columns."""
    name = TableName.parse(full_name)
    loaded = await deps.lakehouse.load(name)
    return views.table_info(name, loaded, managed=deps.lakehouse.is_managed(name.catalog))


async def table_exists(deps: Deps, full_name: str) -> api.TableExists:
    """Tell whether there is a table of this name; its catalog must exist."""
    name = TableName.parse(full_name)
    found = await deps.lakehouse.catalog(name.catalog).load(name.key)
    return api.TableExists(table_exists=found is not None)


async def list_summaries(
    deps: Deps,
    catalog: str,
    schema_pattern: str | None,
    table_pattern: str | None,
    limit: int,
    token: str | None,
) -> api.TableSummaryList:
    """Return one page of the names of a catalog's tables, of schemas and names like patterns.

    It looks into a bounded number of schemas, so a page may be short and still go on.
    """
    limit = min(limit or _PAGE, _MOST)
    place = paging.decode(token)
    after = (str(place.get("schema", "")), str(place.get("table", "")))
    like_schema, like_table = _like(schema_pattern), _like(table_pattern)
    namespaces = [
        each
        for each in await deps.lakehouse.catalog(catalog).namespaces()
        if ".".join(each) >= after[0] and like_schema(".".join(each))
    ]
    namespaces.sort(key=".".join)
    found: list[Entry] = []
    for looked, namespace in enumerate(namespaces):
        if looked == _SCHEMAS_A_PAGE or len(found) > limit:
            break
        try:
            entries = await deps.lakehouse.catalog(catalog).entries(namespace)
        except NotFound:
            continue  # dropped meanwhile
        found += [
            each
            for each in entries
            if like_table(each.key[-1]) and (".".join(namespace), each.key[-1]) > after
        ]
    else:
        looked = len(namespaces)
    shown, more = found[:limit], None
    if len(found) > limit:
        more = paging.encode(schema=".".join(shown[-1].key[:-1]), table=shown[-1].key[-1])
    elif looked < len(namespaces):
        more = paging.encode(schema=".".join(namespaces[looked]), table="")
    managed = deps.lakehouse.is_managed(catalog)
    return api.TableSummaryList(
        tables=tuple(
            api.TableSummary(
                full_name=".".join((catalog, *each.key)),
                table_type=views.table_type(each.kind, managed=managed),
            )
            for each in shown
        ),
        next_page_token=more,
    )


def _page(
    items: Sequence[_T], limit: int, token: str | None, name_of: Callable[[_T], str]
) -> tuple[list[_T], str | None]:
    """Cut a page out of named things; a token is the last name before it."""
    after = paging.decode(token).get("after")
    size = min(limit or _PAGE, _MOST)
    left = sorted(items, key=name_of)
    if after is not None:
        left = [each for each in left if name_of(each) > str(after)]
    shown = left[:size]
    return shown, paging.encode(after=name_of(shown[-1])) if len(left) > size else None


def _last(entry: Entry) -> str:
    return entry.key[-1]


def _like(pattern: str | None) -> Callable[[str], bool]:
    """Return a check by a pattern of SQL's LIKE; no pattern takes everything."""
    if not pattern:
        return lambda _: True
    # fnmatch's expressions take no more than linear time, however many % there are.
    parts = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    compiled = re.compile(fnmatch.translate("".join(parts.get(each, each) for each in pattern)))
    return lambda name: compiled.match(name) is not None


def _catalog(lakehouse: Lakehouse, name: str) -> api.CatalogInfo:
    catalog = lakehouse.catalog(name)
    connection = lakehouse.connections.get(name)
    properties = {"type": catalog.type}
    if connection is not None:
        properties["uri"] = connection.uri
    managed = lakehouse.is_managed(name)
    return api.CatalogInfo(
        name=name,
        full_name=name,
        catalog_type="MANAGED_CATALOG" if managed else "FOREIGN_CATALOG",
        comment="The stack's own catalog." if managed else f"Another catalog ({catalog.type}).",
        owner="admins",
        properties=properties,
    )


def _schema(
    lakehouse: Lakehouse, catalog: str, namespace: Key, properties: dict[str, str] | None
) -> api.SchemaInfo:
    name, known = ".".join(namespace), properties or {}
    return api.SchemaInfo(
        name=name,
        catalog_name=catalog,
        full_name=f"{catalog}.{name}",
        catalog_type="MANAGED_CATALOG" if lakehouse.is_managed(catalog) else "FOREIGN_CATALOG",
        comment=known.get("comment"),
        owner=known.get("owner"),
        storage_location=known.get("location"),
        properties=properties,
    )


def _listed(catalog: str, entry: Entry, managed: bool) -> api.TableInfo:
    schema = ".".join(entry.key[:-1])
    return api.TableInfo(
        name=entry.key[-1],
        catalog_name=catalog,
        schema_name=schema,
        full_name=f"{catalog}.{schema}.{entry.key[-1]}",
        table_type=views.table_type(entry.kind, managed=managed),
        data_source_format=None if entry.kind is Kind.VIEW else "ICEBERG",
    )
