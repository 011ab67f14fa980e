"""Tables of SQL statements: what was asked and how it ended, where the rows of its answer are, and
what the statements of one client have in common.

A statement's row is written by the request, then by its worker (over the internal API), and last
by its workflow, if the worker could not. A terminal row is never reopened.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import instant, json_list, json_object, reference


class Statement(SQLModel, table=True):
    """One SQL statement on a warehouse; kept for ever, its rows are not."""

    __tablename__ = "statements"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_statements_workspace", "workspace_id", "statement_id"),
        Index("ix_statements_warehouse", "warehouse_id", "statement_id"),
        Index("ix_statements_user", "workspace_id", "user_name", "statement_id"),
        Index("ix_statements_state", "workspace_id", "state", "statement_id"),
        Index(
            "ix_statements_open",
            "warehouse_id",
            postgresql_where=text("state IN ('PENDING', 'RUNNING')"),
        ),
        Index(
            "ix_statements_expiry",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL AND purged_at IS NULL"),
        ),
        Index(
            "uq_statements_idempotency",
            "workspace_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    statement_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    warehouse_id: str
    user_name: str
    """Who asked, and with whose rights it runs."""
    client: str = ""
    """The User-Agent of the request."""
    text: str
    """As it may be shown: without secrets, and cut when it is long; see `redacting`."""
    body: str | None = None
    """Sealed: `spec.statements.StatementBody` as JSON, what was sent; gone once it has ended."""
    catalog: str | None = None
    schema_name: str | None = None
    branch: str | None = None
    """The kept branch of a run that it reads; None for main."""
    query_tags: list[Any] = json_list()
    disposition: str
    format: str
    row_limit: int | None = Field(default=None, sa_type=BigInteger)
    byte_limit: int | None = Field(default=None, sa_type=BigInteger)
    idempotency_key: str | None = None
    state: str
    """A `spec.statements.StatementState`; never CLOSED, which is how an expired one is shown."""
    kind: str | None = None
    """Its first word or words, e.g. SELECT, INSERT, CREATE TABLE; once a worker has read it."""
    error_code: str | None = None
    """A `spec.statements.ServiceError`."""
    message: str = ""
    """Why it failed or was cancelled."""
    attempt: int = 0
    """How often a worker has taken it up; more than once only after a worker's death."""
    engine_query_id: str | None = None
    """Of Trino."""
    row_count: int | None = Field(default=None, sa_type=BigInteger)
    """Of its answer, once it succeeded."""
    byte_count: int | None = Field(default=None, sa_type=BigInteger)
    """Of its answer as stored."""
    truncated: bool = False
    """`row_limit` or `byte_limit` cut it."""
    created_at: datetime | None = instant(now=True)
    started_at: datetime | None = instant(optional=True)
    """When a worker first took it up."""
    cancel_asked_at: datetime | None = instant(optional=True)
    ended_at: datetime | None = instant(optional=True)
    expires_at: datetime | None = instant(optional=True)
    """When its rows may be deleted."""
    purged_at: datetime | None = instant(optional=True)
    """When they were."""


class StatementResult(SQLModel, table=True):
    """The answer of a statement, or as much of it as there is."""

    __tablename__ = "statement_results"  # pyright: ignore[reportAssignmentType]

    statement_id: str = Field(primary_key=True, foreign_key="statements.statement_id")
    attempt: int
    """Of the statement's attempts, the one whose chunks these are."""
    columns: list[Any] = json_list()
    """`spec.statements.Column`, dumped."""
    chunks: list[Any] = json_list()
    """(rows, bytes) of each chunk in the object store."""
    inline: str | None = None
    """A small answer of disposition INLINE, as JSON; then it has no chunks in the object store."""
    handle: dict[str, Any] = json_object()
    """By which the next worker can go on with the engine's query, while the statement runs."""


class SqlSession(SQLModel, table=True):
    """What the statements of one client have in common; gone once it is closed or long unused."""

    __tablename__ = "sql_sessions"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_sql_sessions_use", "last_used_at"),)

    session_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    warehouse_id: str
    user_name: str
    """Who made it; to others it does not exist."""
    catalog: str | None = None
    schema_name: str | None = None
    query_tags: list[Any] = json_list()
    """`spec.api.statements.QueryTag`, dumped."""
    created_at: datetime | None = instant(now=True)
    last_used_at: datetime | None = instant(now=True)
    """When a statement last came; minutes may be missing."""
