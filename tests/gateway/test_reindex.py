import pytest
from sqlmodel import col, delete, select

from control.db import Database
from control.gateway.reindex import rebuild
from control.gateway.tables import AttemptCommitRow, CommitState
from control.gateway.upstream import Catalog
from tests.gateway.conftest import ROWS, Gateway, Opener
from tests.gateway.make import attempt_claims, principal_claims

pytestmark = pytest.mark.integration

Entry = tuple[object, ...]


async def _index(database: Database) -> list[Entry]:
    async with database.read_session() as session:
        query = (
            select(AttemptCommitRow)
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
    before = await _index(database)
    assert len([entry for entry in before if entry[3] == run_id]) == 6
    async with database.session() as session:
        await session.exec(delete(AttemptCommitRow))
    assert await rebuild(database, catalog) == len(before)
    assert await _index(database) == before
    assert await rebuild(database, catalog) == len(before)
    assert await _index(database) == before
