"""Cluster policies and instance pools."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "cluster_policies",
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("definition", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("libraries", postgresql.JSONB(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("policy_id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )
    op.create_table(
        "instance_pools",
        sa.Column("pool_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("node_type_id", sa.String(), nullable=False),
        sa.Column("unused", postgresql.JSONB(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("pool_id"),
        sa.UniqueConstraint("workspace_id", "name"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("instance_pools")
    op.drop_table("cluster_policies")
