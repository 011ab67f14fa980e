"""Makes the program of a SQL task from what its run has pinned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from control.queries.binding import bind, typed
from control.warehouses.tables import Warehouse
from spec.api.queries import PinnedQuery
from spec.attempts import SqlDialect, SqlProgram
from spec.query_parameters import bound_values
from spec.tasks import Engine
from spec.warehouses import BUILT_IN


@dataclass(frozen=True)
class PinnedSql:
    """The SQL of one attempt."""

    query: PinnedQuery
    dialect: str
    """Whose quotes and comments count, in sqlglot's word."""
    now: datetime
    """What dynamic dates count from: the same however often the attempt is opened."""


def file_program(text: str, given: Mapping[str, str]) -> SqlProgram:
    """Return the program of a SQL file: every parameter is bound as text."""
    return SqlProgram(text=text, parameters=dict(given))


def query_program(sql: PinnedSql, given: Mapping[str, str]) -> SqlProgram:
    """Return the program of a saved query or an alert's: parameters have their declared types.

    Raises:
        Invalid: a value does not fit its parameter, or stands where none can be bound.
    """
    query = sql.query
    values = bound_values(query.parameters, given, sql.now)
    bound = bind(query.query_text, query.parameters, values, sql.dialect, spell=typed)
    texts = {each.name: each.value for each in bound.values if each.value is not None}
    return SqlProgram(
        text=bound.text,
        parameters=texts,
        catalog=query.catalog,
        schema_name=query.schema_name,
    )


async def dialect_at(session: AsyncSession, workspace_id: int, warehouse_id: str) -> str:
    """Return what the statements of a warehouse are written in, in sqlglot's word."""
    row = await session.get(Warehouse, (workspace_id, warehouse_id))
    if row is None:
        # A built-in one that nobody has used yet; of any other it is said elsewhere.
        return BUILT_IN.get(warehouse_id, Engine.DUCKDB).value
    return "databricks" if row.dialect == SqlDialect.DATABRICKS else row.engine


def utc(at: datetime | None) -> datetime:
    """Return an instant of the database, or now, in UTC."""
    return datetime.now(UTC) if at is None else at.astimezone(UTC)
