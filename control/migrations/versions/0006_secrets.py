"""Secrets: scopes, sealed values, permissions, and which attempt was given what."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _big(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False) for name in names]


def _instant(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=False)


def _of_scope() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["scope_id"], ["secret_scopes.scope_id"], ondelete="CASCADE")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "secret_scopes",
        sa.Column("scope_id", sa.BigInteger(), autoincrement=True, nullable=False),
        *_big("workspace_id"),
        *_text("name", "created_by"),
        _instant("created_at", now=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("scope_id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "secrets",
        *_big("scope_id"),
        *_text("key", "sealed"),
        *_big("version"),
        _instant("updated_at"),
        _of_scope(),
        sa.PrimaryKeyConstraint("scope_id", "key"),
    )
    op.create_table(
        "secret_acls",
        *_big("scope_id"),
        *_text("principal", "permission"),
        _of_scope(),
        sa.PrimaryKeyConstraint("scope_id", "principal"),
    )
    op.create_table(
        "attempt_secrets",
        *_big("task_run_id"),
        *_text("scope", "key"),
        *_big("version"),
        *_text("sealed"),
        _instant("given_at", now=True),
        sa.PrimaryKeyConstraint("task_run_id", "scope", "key", "version"),
    )
    # A log whose secrets are redacted is not as long as what its worker has sent.
    op.add_column(
        "log_sizes", sa.Column("raw_size", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE log_sizes SET raw_size = size")
    op.alter_column("log_sizes", "raw_size", server_default=None)


def downgrade() -> None:
    """Take back."""
    op.drop_column("log_sizes", "raw_size")
    for table in ("attempt_secrets", "secret_acls", "secrets", "secret_scopes"):
        op.drop_table(table)
