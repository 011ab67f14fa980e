"""Migrations make what the tables say, the audit log only grows, and generated files are fresh."""

import asyncio

import asyncpg
import httpx2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, make_url

from control import migrate, openapi, pages
from control.db import Database
from control.tables import metadata
from tests.control.make import create_job


async def test_migrations_and_tables_agree(database: Database) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata()))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(compare) == []


async def test_processes_that_migrate_at_once_take_turns(server_url: str) -> None:
    connection = await asyncpg.connect(server_url)
    await connection.execute("CREATE DATABASE t_migrate")
    url = make_url(server_url).set(database="t_migrate").render_as_string(hide_password=False)
    await asyncio.gather(*(migrate.upgrade(url) for _ in range(4)))
    await migrate.upgrade(url)
    await connection.execute("DROP DATABASE t_migrate WITH (FORCE)")
    await connection.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_audit_log_cannot_be_changed(
    api: httpx2.AsyncClient, database_url: str, statement: str
) -> None:
    await create_job(api)
    connection = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await connection.execute(statement)
    await connection.close()


async def test_every_mutation_is_audited(api: httpx2.AsyncClient) -> None:
    job_id = await create_job(api, name="audited")
    await api.post("/api/2.2/jobs/update", json={"job_id": job_id, "new_settings": {"name": "b"}})
    await api.post("/api/2.0/workspace/mkdirs", json={"path": "/Shared/a"})
    await api.post("/api/2.2/jobs/delete", json={"job_id": job_id})
    answer = (await api.get("/api/openlake/1.0/audit", params={"limit": 3})).json()
    actions = [entry["action"] for entry in answer["entries"]]
    assert actions == ["job.deleted", "folder.created", "job.updated"]
    rest = await api.get(
        "/api/openlake/1.0/audit", params={"page_token": answer["next_page_token"]}
    )
    assert [entry["action"] for entry in rest.json()["entries"]] == ["job.created"]
    entry = rest.json()["entries"][0]
    assert (entry["actor"], entry["object_id"]) == ("admin@openlake.local", str(job_id))


def test_generated_documents_are_fresh() -> None:
    for name, content in openapi.documents().items():
        committed = (openapi.FOLDER / name).read_text()
        assert committed == content, f"{name} is out of date: run `make gen`"


def test_generated_parts_of_the_documentation_are_fresh() -> None:
    for name in pages.PAGES:
        committed = (pages.FOLDER / name).read_text("utf-8")
        assert "<!-- generated: " in committed
        assert committed == pages.renewed(committed), f"{name} is out of date: run `make gen`"


async def test_health_and_metrics(api: httpx2.AsyncClient) -> None:
    health = (await api.get("/health")).json()
    assert health["status"] == "ok"
    await create_job(api)
    text = (await api.get("/metrics")).text
    assert 'openlake_runs{life="QUEUED"} 0.0' in text
    assert 'route="/api/{version:jobs_version}/jobs/create"' in text
