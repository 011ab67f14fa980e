"""Runs a saved query as a statement on a warehouse."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from control.audit import store as audit
from control.auth import Caller, caller_named
from control.deps import Deps
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.queries.access import permitted
from control.queries.binding import BoundText, bind
from control.queries.tables import SavedQuery
from control.queries.tasks import dialect_at
from control.queries.versions import content_of
from control.statements import service as statements
from control.workspaces.defaults import defaults_of
from spec.api.queries import ASKED_BY_TAG, AUTO_LIMIT, QUERY_TAG, QueryContent, RunQuery
from spec.api.statements import ExecuteStatement, QueryTag, StatementParameter
from spec.errors import Invalid, NotFound
from spec.query_parameters import Given, bound_values
from spec.tasks import Engine

DEFAULT_WAREHOUSE = Engine.DUCKDB.value


async def run(
    deps: Deps, caller: Caller, query_id: str, request: RunQuery, origin: statements.Origin
) -> str:
    """Run a query; return the statement as JSON, as `statements.execute` does.

    Raises:
        NotFound: there is no such query or warehouse.
        Invalid: the query is in the trash or has no text, or a parameter has no value, one that
            does not fit, or does not exist.
        Forbidden: the caller may not run the query or use the warehouse; of a query that runs with
            its owner's rights, the owner may not use it.
        Exhausted: too many statements wait for the warehouse.
    """
    async with deps.database.session() as session:
        row = await permitted(session, caller, query_id, Level.CAN_RUN)
        query = _runnable(row)
        defaults = await defaults_of(session, caller.workspace_id)
        chosen = request.warehouse_id or query.warehouse_id or defaults.warehouse_id
        warehouse_id = chosen or DEFAULT_WAREHOUSE
        dialect = await dialect_at(session, caller.workspace_id, warehouse_id)
        bound = bound_text(query, request.parameters, dialect)
        runner = caller
        if query.run_as_mode == "OWNER":
            if request.warehouse_id:
                await require(session, caller, Kind.WAREHOUSE, warehouse_id, Level.CAN_USE)
            runner = await caller_named(session, caller.workspace_id, row.owner)
        order = _order(row, query, request, warehouse_id, bound, asked_by=caller)
        facts = {"warehouse_id": warehouse_id}
        audit.record(session, caller, "query.run", "query", query_id, **facts)
    return await statements.execute(deps, runner, order, origin)


def _runnable(row: SavedQuery) -> QueryContent:
    if row.trashed_at is not None:
        raise NotFound(f"Query {row.query_id} is in the trash.", query_id=row.query_id)
    if not row.query_text.strip():
        raise Invalid(f"query '{row.display_name}' has no text yet")
    return content_of(row)


def bound_text(query: QueryContent, given: Mapping[str, Given], dialect: str) -> BoundText:
    """Return a query's text with all its values, those that are given before the defaults; pure.

    Raises:
        Invalid: as `run`.
    """
    values = bound_values(query.parameters, given, datetime.now(UTC))
    bound = bind(query.query_text, query.parameters, values, dialect)
    names = sorted(bound.used | {parameter.name for parameter in query.parameters})
    if unknown := sorted(given.keys() - set(names)):
        known = f"it has {', '.join(names)}" if names else "it has none"
        raise Invalid(f"the query has no parameter '{unknown[0]}'; {known}")
    if bound.missing:
        raise Invalid(
            f"the query's parameter '{bound.missing[0]}' has no default; give it a value"
            " (null for NULL)"
        )
    return bound


def _order(
    row: SavedQuery,
    query: QueryContent,
    request: RunQuery,
    warehouse_id: str,
    bound: BoundText,
    *,
    asked_by: Caller,
) -> ExecuteStatement:
    options = request.model_dump(exclude={"parameters", "warehouse_id"}, by_alias=False)
    options["schema"] = options.pop("schema_name") or query.schema_name
    options["catalog"] = request.catalog or query.catalog
    options["row_limit"] = request.row_limit or (AUTO_LIMIT if query.apply_auto_limit else None)
    tags = [*request.query_tags, QueryTag(key=QUERY_TAG, value=row.query_id)]
    if query.run_as_mode == "OWNER":
        tags.append(QueryTag(key=ASKED_BY_TAG, value=asked_by.user_name))
    options["query_tags"] = tuple(tags)
    try:
        return ExecuteStatement(
            statement=bound.text,
            warehouse_id=warehouse_id,
            parameters=tuple(
                StatementParameter(name=each.name, value=each.value, type=each.type.value)
                for each in bound.values
            ),
            **options,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(str(first["msg"]).removeprefix("Value error, ")) from None
