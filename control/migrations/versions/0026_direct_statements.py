"""What is still to be told of a statement is found by it: each that ends takes it back."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_outbox_statement",
        "outbox",
        ["statement_id"],
        postgresql_where="statement_id IS NOT NULL",
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_outbox_statement", table_name="outbox")
