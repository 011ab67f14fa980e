"""What bundles have deployed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "deployments",
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("bundle_name", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("root_path", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("files", JSONB(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deployed_by", sa.String(), nullable=True),
        sa.Column("deployed_at", _INSTANT, nullable=True),
        sa.Column("lock_id", sa.String(), nullable=True),
        sa.Column("lock_holder", sa.String(), nullable=True),
        sa.Column("locked_at", _INSTANT, nullable=True),
        sa.Column("locked_until", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("deployment_id"),
    )
    op.create_index(
        "uq_deployments_bundle",
        "deployments",
        ["workspace_id", "bundle_name", "target", "root_path"],
        unique=True,
    )
    op.create_index("ix_deployments_workspace", "deployments", ["workspace_id", "deployment_id"])
    op.create_table(
        "deployment_resources",
        sa.Column("deployment_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.deployment_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("deployment_id", "kind", "key"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("deployment_resources")
    op.drop_table("deployments")
