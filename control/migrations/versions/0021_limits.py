"""Rates and sizes; what is known of tokens and principals beside their names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)

# Everybody may have access tokens until an admin says otherwise.
_TOKENS_FOR_USERS = """
INSERT INTO grants (workspace_id, kind, object_id, principal_id, level)
SELECT workspace_id, 'tokens', 'tokens', principal_id, 'CAN_USE'
FROM principals WHERE kind = 'group' AND user_name = 'users'
"""


def upgrade() -> None:
    """Apply."""
    op.execute(_TOKENS_FOR_USERS)
    op.add_column("tokens", sa.Column("created_by_id", sa.BigInteger(), nullable=True))
    op.add_column("tokens", sa.Column("last_used_at", _INSTANT, nullable=True))
    op.execute("UPDATE tokens SET created_by_id = principal_id")
    op.add_column(
        "principals",
        sa.Column("attributes", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    op.alter_column("principals", "attributes", server_default=None)
    op.create_index("ix_runs_created", "runs", ["workspace_id", "created_at"])
    op.create_index("ix_runs_kind", "runs", ["workspace_id", "run_type", "run_id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_runs_kind", table_name="runs")
    op.drop_index("ix_runs_created", table_name="runs")
    op.drop_column("principals", "attributes")
    for column in ("last_used_at", "created_by_id"):
        op.drop_column("tokens", column)
    op.execute("DELETE FROM grants WHERE kind = 'tokens'")
