"""What MLflow keeps belongs to a workspace."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tracked_objects",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.PrimaryKeyConstraint("kind", "object_id"),
    )
    op.create_index("ix_tracked_objects_workspace_id", "tracked_objects", ["workspace_id"])
    op.create_index(
        "uq_tracked_models",
        "tracked_objects",
        ["workspace_id", "name"],
        unique=True,
        postgresql_where=sa.text("kind = 'registered-model'"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("tracked_objects")
