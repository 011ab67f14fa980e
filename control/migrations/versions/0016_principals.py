"""Groups, service principals, permissions and what a workspace is set to."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ALIVE = sa.text("deleted_at IS NULL")

_GROUPS = """
INSERT INTO principals (workspace_id, kind, user_name, display_name, active)
SELECT workspace_id, 'group', title, title, true
FROM workspaces CROSS JOIN (VALUES ('admins'), ('users')) AS made (title)
"""

# Until now whoever had a token was an admin.
_ADMINS = """
INSERT INTO group_members (group_id, member_id)
SELECT admins.principal_id, users.principal_id
FROM principals AS admins
JOIN principals AS users ON users.workspace_id = admins.workspace_id AND users.kind = 'user'
WHERE admins.kind = 'group' AND admins.user_name = 'admins'
"""

_OWNERS = """
INSERT INTO grants (workspace_id, kind, object_id, principal_id, level)
SELECT made.workspace_id, '{kind}', made.{key}::text, principals.principal_id, 'IS_OWNER'
FROM {table} AS made
JOIN principals ON principals.workspace_id = made.workspace_id
    AND principals.kind = 'user' AND principals.user_name = made.{owner}
"""

# As every workspace has it from now on.
_BUILT_IN = """
INSERT INTO grants (workspace_id, kind, object_id, principal_id, level)
SELECT made.workspace_id, 'warehouses', made.warehouse_id, users.principal_id, 'CAN_USE'
FROM warehouses AS made
JOIN principals AS users ON users.workspace_id = made.workspace_id
    AND users.kind = 'group' AND users.user_name = 'users'
WHERE made.warehouse_id IN ('duckdb', 'trino')
"""

_OWNED = (
    ("job", "jobs", "job_id", "creator"),
    ("query", "saved_queries", "query_id", "owner"),
    ("alert", "alerts", "alert_id", "owner"),
    ("warehouses", "warehouses", "warehouse_id", "creator"),
)


def upgrade() -> None:
    """Apply."""
    op.add_column("workspaces", sa.Column("default_catalog", sa.String(), nullable=True))
    op.add_column("workspaces", sa.Column("default_warehouse_id", sa.String(), nullable=True))
    op.add_column("workspaces", sa.Column("max_concurrent_runs", sa.Integer(), nullable=True))
    op.add_column("workspaces", sa.Column("deleted_at", _INSTANT, nullable=True))
    op.drop_constraint("workspaces_name_key", "workspaces", type_="unique")
    op.create_index(
        "uq_workspaces_name", "workspaces", ["name"], unique=True, postgresql_where=_ALIVE
    )
    op.add_column(
        "principals", sa.Column("kind", sa.String(), server_default="user", nullable=False)
    )
    op.alter_column("principals", "kind", server_default=None)
    op.add_column("principals", sa.Column("external_id", sa.String(), nullable=True))
    op.add_column("principals", sa.Column("deleted_at", _INSTANT, nullable=True))
    op.drop_constraint("principals_workspace_id_user_name_key", "principals", type_="unique")
    op.create_index(
        "uq_principals_name",
        "principals",
        ["workspace_id", "kind", "user_name"],
        unique=True,
        postgresql_where=_ALIVE,
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["principals.principal_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["principals.principal_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "member_id"),
    )
    op.create_index("ix_group_members_member_id", "group_members", ["member_id"])
    op.create_table(
        "grants",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.workspace_id"]),
        sa.ForeignKeyConstraint(["principal_id"], ["principals.principal_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "object_id", "principal_id"),
    )
    op.create_index("ix_grants_principal", "grants", ["workspace_id", "principal_id", "kind"])
    op.execute(_GROUPS)
    op.execute(_ADMINS)
    op.execute(_BUILT_IN)
    for kind, table, key, owner in _OWNED:
        op.execute(_OWNERS.format(kind=kind, table=table, key=key, owner=owner))


def downgrade() -> None:
    """Undo."""
    op.drop_table("grants")
    op.drop_table("group_members")
    op.execute("DELETE FROM principals WHERE kind <> 'user'")
    op.drop_index("uq_principals_name", "principals")
    op.create_unique_constraint(
        "principals_workspace_id_user_name_key", "principals", ["workspace_id", "user_name"]
    )
    for column in ("deleted_at", "external_id", "kind"):
        op.drop_column("principals", column)
    op.drop_index("uq_workspaces_name", "workspaces")
    op.create_unique_constraint("workspaces_name_key", "workspaces", ["name"])
    for column in ("deleted_at", "max_concurrent_runs", "default_warehouse_id", "default_catalog"):
        op.drop_column("workspaces", column)
