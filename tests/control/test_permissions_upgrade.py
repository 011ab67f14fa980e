"""A database of before there were permissions: who could do things still can, and others cannot."""

import asyncpg
from alembic import command
from sqlalchemy import Connection, make_url

from control import migrate
from control.db import create_engine

BEFORE = """
INSERT INTO workspaces (workspace_id, name) VALUES (1, 'main'), (2, 'other');
INSERT INTO principals (workspace_id, user_name, display_name, active)
VALUES (1, 'ann', 'Ann', true), (2, 'ann', 'Ann of the other', true);
INSERT INTO jobs (job_id, workspace_id, name, settings, queues_by_default, version, creator)
VALUES (7, 1, 'j', '{}', true, 1, 'ann'), (8, 2, 'k', '{}', true, 1, 'gone');
"""


def to_0015(connection: Connection) -> None:
    """Bring a database to the schema of before."""
    command.upgrade(migrate.alembic_config(connection), "0015")


async def test_owners_and_admins_are_who_they_were(server_url: str) -> None:
    server = await asyncpg.connect(server_url)
    await server.execute("CREATE DATABASE t_permissions")
    url = make_url(server_url).set(database="t_permissions")
    text = url.render_as_string(hide_password=False)
    engine = create_engine(text, pool_size=1, max_overflow=0)
    async with engine.begin() as connection:
        await connection.run_sync(to_0015)
    await engine.dispose()
    database = await asyncpg.connect(text)
    await database.execute(BEFORE)
    await migrate.upgrade(text)
    owners = await database.fetch(
        "SELECT grants.kind, object_id, user_name, level, grants.workspace_id FROM grants"
        " JOIN principals USING (principal_id) WHERE level = 'IS_OWNER'"
    )
    assert [tuple(row) for row in owners] == [("job", "7", "ann", "IS_OWNER", 1)]
    admins = await database.fetch(
        "SELECT team.workspace_id, team.user_name, who.user_name, who.workspace_id"
        " FROM group_members JOIN principals AS team ON team.principal_id = group_id"
        " JOIN principals AS who ON who.principal_id = member_id ORDER BY 1"
    )
    assert [tuple(row) for row in admins] == [(1, "admins", "ann", 1), (2, "admins", "ann", 2)]
    groups = await database.fetch(
        "SELECT workspace_id, user_name FROM principals WHERE kind = 'group' ORDER BY 1, 2"
    )
    assert [tuple(row) for row in groups] == [
        (1, "admins"),
        (1, "users"),
        (2, "admins"),
        (2, "users"),
    ]
    await database.close()
    await server.execute("DROP DATABASE t_permissions WITH (FORCE)")
    await server.close()
