"""SQL warehouses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def _text(*names: str, optional: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=optional) for name in names]


def _number(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in names]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "warehouses",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        *_text("warehouse_id", "name", "engine", "dialect", "cluster_size"),
        *_number("min_clusters", "max_clusters", "auto_stop_mins"),
        sa.Column("tags", postgresql.JSONB(), nullable=False),
        sa.Column("unused", postgresql.JSONB(), nullable=False),
        *_text("catalog", "schema_name", optional=True),
        *_text("creator", "wanted", "state", "health", "health_summary"),
        *_number("clusters"),
        sa.Column("last_activity_at", _INSTANT, nullable=False),
        sa.Column("jobs_at", _INSTANT, nullable=True),
        sa.Column("created_at", _INSTANT, server_default=_NOW, nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("workspace_id", "warehouse_id"),
    )
    op.create_index(
        "ix_warehouses_name",
        "warehouses",
        ["workspace_id", "name"],
        unique=True,
        postgresql_where=sa.text("wanted <> 'DELETED'"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("warehouses")
