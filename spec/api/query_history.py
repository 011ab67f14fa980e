"""Answers of `sql/history/queries` (Databricks Query History API 2.0)."""

from enum import StrEnum
from typing import Any

from spec.attempts import Frozen
from spec.statements import StatementState

MOST_RANGE_MS = 30 * 24 * 3600 * 1000
"""A range of time may be as long, at Databricks as here."""


class QueryStatus(StrEnum):
    """Where a statement stands, in the words of the history."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    COMPILING = "COMPILING"
    COMPILED = "COMPILED"
    RUNNING = "RUNNING"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    FINISHED = "FINISHED"


STATUS_OF = {
    StatementState.PENDING: QueryStatus.QUEUED,
    StatementState.RUNNING: QueryStatus.RUNNING,
    StatementState.SUCCEEDED: QueryStatus.FINISHED,
    StatementState.FAILED: QueryStatus.FAILED,
    StatementState.CANCELED: QueryStatus.CANCELED,
}
"""The other words of the history are never given."""

_KINDS = frozenset(
    "ALTER ANALYZE COPY CREATE DELETE DESCRIBE DROP EXPLAIN GRANT INSERT MERGE OPTIMIZE REFRESH"
    " REPLACE REVOKE SELECT SET SHOW TRUNCATE UPDATE USE".split()
)


def statement_type(kind: str | None) -> str | None:
    """Return Databricks' word for a statement whose first words these are; None before it is read.

    Queries that begin with WITH, VALUES or TABLE are SELECT; what there is no word for is OTHER.
    """
    if kind is None:
        return None
    word = kind.split(" ", 1)[0].upper()
    if word in ("WITH", "VALUES", "TABLE", "FROM", "("):
        return "SELECT"
    return word if word in _KINDS else "OTHER"


class QueryMetrics(Frozen):
    """Figures of one statement, in milliseconds and rows."""

    total_time_ms: int
    """From when it was sent to its end, or to now."""
    execution_time_ms: int
    """From when a worker took it up."""
    provisioning_queue_start_timestamp: int | None = None
    """When it began to wait, if it did: epoch milliseconds."""
    rows_produced_count: int | None = None


class QuerySource(Frozen):
    """What made the statement."""

    sql_query_id: str | None = None


class QueryInfo(Frozen):
    """One statement; times are epoch milliseconds."""

    query_id: str
    """The statement's id."""
    lookup_key: str
    query_text: str
    """Without the secrets that stood in it; see `control.statements.redacting`."""
    status: QueryStatus
    statement_type: str | None = None
    warehouse_id: str
    endpoint_id: str
    user_id: int | None = None
    user_name: str
    executed_as_user_id: int | None = None
    executed_as_user_name: str
    query_start_time_ms: int
    execution_end_time_ms: int | None = None
    query_end_time_ms: int | None = None
    duration: int
    """Milliseconds; so far, while it runs."""
    rows_produced: int | None = None
    result_bytes: int | None = None
    """OpenLake's own: of the answer as stored."""
    error_message: str | None = None
    is_final: bool
    client_application: str
    query_tags: tuple[dict[str, Any], ...] = ()
    query_source: QuerySource | None = None
    metrics: QueryMetrics | None = None


class QueryHistory(Frozen):
    """Answer of `GET sql/history/queries`, newest first."""

    res: tuple[QueryInfo, ...] = ()
    has_next_page: bool
    next_page_token: str | None = None
