import pytest
from sqlmodel import col, delete, select

from control.db import Database
from control.gateway.reindex import rebuild
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.upstream import Catalog
from control.tokens import service as tokens
from control.transactions.sweep import sweep
from tests.gateway.conftest import ROWS, Gateway, Opener
from tests.gateway.make import attempt_claims, principal_claims
from tests.gateway.transacting import make_run, transacting

pytestmark = pytest.mark.integration

Entry = tuple[object, ...]


async def _index(database: Database, run_id: int) -> list[Entry]:
    async with database.read_session() as session:
        query = (
            select(AttemptCommitRow)
            .where(AttemptCommitRow.run_id == run_id)
            .where(col(AttemptCommitRow.snapshot_id).is_not(None))
            .where(AttemptCommitRow.state == CommitState.COMMITTED)
            .order_by(col(AttemptCommitRow.snapshot_id))
        )
        return [
            (
                row.task_run_id,
                row.workspace_id,
                row.job_id,
                row.run_id,
                row.table_name,
                row.branch,
                row.snapshot_id,
                row.parent_snapshot_id,
                row.operation,
                row.summary,
            )
            for row in (await session.exec(query)).all()
        ]


async def test_the_index_can_be_rebuilt_from_the_catalog_alone(
    gateway: Gateway, database: Database, catalog: Catalog, opened: Opener, run_id: int
) -> None:
    first = await opened(attempt_claims(1, run_id=run_id))
    lake = gateway.pyiceberg(first)
    lake.create_namespace("index")
    tables = [lake.create_table(f"index.{name}", ROWS.schema) for name in ("a", "b")]
    for table in tables:
        table.append(ROWS)
        table.append(ROWS)
    second = await opened(attempt_claims(2, run_id=run_id))
    other = gateway.pyiceberg(second)
    other.load_table("index.a").overwrite(ROWS)
    other.load_table("index.b").transaction().set_properties(owner="ada").commit_transaction()
    other.rename_table("index.a", "index.c")
    other.load_table("index.c").append(ROWS)
    gateway.pyiceberg(principal_claims()).load_table("index.b").append(ROWS)
    before = await _index(database, run_id)
    assert len(before) == 6
    async with database.session() as session:
        await session.exec(delete(AttemptCommitRow))
    found = await rebuild(database, catalog)
    assert found >= len(before)
    assert await _index(database, run_id) == before
    assert await rebuild(database, catalog) == found
    assert await _index(database, run_id) == before


async def test_what_was_published_is_found_on_the_branches_that_were_merged(
    gateway: Gateway, database: Database, catalog: Catalog, run_id: int
) -> None:
    async with database.session() as session:
        await tokens.bootstrap(session)
    await make_run(database, run_id)
    run = transacting(gateway, database, catalog, run_id)
    claims = await run.attempt("a")
    for value in range(3):
        run.append(claims, "index2.t", value)
    await run.land(claims)
    await run.publish()
    await run.end()
    await sweep(run.context)
    before = await _index(database, run_id)
    assert [entry[5] for entry in before] == [claims.branch] * 3
    async with database.session() as session:
        await session.exec(delete(AttemptCommitRow).where(col(AttemptCommitRow.run_id) == run_id))
    await rebuild(database, catalog)
    assert await _index(database, run_id) == before
