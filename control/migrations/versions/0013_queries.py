"""Saved queries have parameters, a place and versions."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TELL_EQUAL_NAMES_APART = """
UPDATE saved_queries AS query SET display_name = display_name || ' (' || query_id || ')'
WHERE trashed_at IS NULL AND EXISTS (
    SELECT FROM saved_queries AS older
    WHERE older.trashed_at IS NULL AND older.query_id < query.query_id
        AND (older.workspace_id, older.parent_path, older.display_name)
            = (query.workspace_id, query.parent_path, query.display_name)
)
"""
_FIRST_VERSIONS = """
INSERT INTO query_versions (query_id, version, content, editor, cause, created_at)
SELECT query_id, 1, jsonb_build_object(
    'display_name', display_name, 'query_text', query_text, 'warehouse_id', warehouse_id,
    'description', description, 'tags', tags
), last_modifier, 'created', updated_at FROM saved_queries
"""


def _added(name: str, kind: TypeEngine[Any], default: str | None = None) -> None:
    column = sa.Column[Any](name, kind, server_default=default, nullable=default is None)
    op.add_column("saved_queries", column)
    if default is not None:
        op.alter_column("saved_queries", name, server_default=None)


def upgrade() -> None:
    """Apply."""
    _added("parent_path", sa.String(), "")
    _added("catalog", sa.String())
    _added("schema_name", sa.String())
    _added("parameters", postgresql.JSONB(), "[]")
    _added("run_as_mode", sa.String(), "VIEWER")
    _added("apply_auto_limit", sa.Boolean(), "false")
    _added("version", sa.Integer(), "1")
    op.execute("UPDATE saved_queries SET parent_path = '/Users/' || owner")
    op.execute(_TELL_EQUAL_NAMES_APART)
    op.create_index(
        "uq_saved_queries_name",
        "saved_queries",
        ["workspace_id", "parent_path", "display_name"],
        unique=True,
        postgresql_where=sa.text("trashed_at IS NULL"),
    )
    op.create_table(
        "query_versions",
        sa.Column("query_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("editor", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["query_id"], ["saved_queries.query_id"]),
        sa.PrimaryKeyConstraint("query_id", "version"),
    )
    op.execute(_FIRST_VERSIONS)
    # The history of statements, by who and how they ended.
    for name in ("user_name", "state"):
        columns = ["workspace_id", name, "statement_id"]
        op.create_index(f"ix_statements_{name.removesuffix('_name')}", "statements", columns)


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_statements_state", table_name="statements")
    op.drop_index("ix_statements_user", table_name="statements")
    op.drop_table("query_versions")
    op.drop_index("uq_saved_queries_name", table_name="saved_queries")
    for name in (
        "version",
        "apply_auto_limit",
        "run_as_mode",
        "parameters",
        "schema_name",
        "catalog",
        "parent_path",
    ):
        op.drop_column("saved_queries", name)
