"""The fence itself, on PostgreSQL alone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from sqlmodel import SQLModel

from control import tables
from control.db import Database
from control.gateway import store
from control.gateway.attempts import close_attempt, open_attempt
from control.gateway.stamps import prepare
from control.gateway.tables import AttemptRow, AttemptState, CommitState
from control.gateway.tokens import AttemptClaims
from spec.errors import Forbidden, Unavailable
from tests.control.postgres import postgres
from tests.gateway.make import append_body, attempt_claims, route
from tests.gateway.opening import begin_attempt

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
async def database(server: str) -> AsyncIterator[Database]:
    """Replaces the catalog stack's: an empty schema for each test."""
    database = Database.connect(server)
    async with database.engine.begin() as connection:
        metadata = tables.metadata()
        assert metadata is SQLModel.metadata
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    yield database
    await database.dispose()


async def _open(database: Database, claims: AttemptClaims) -> tuple[int, ...]:
    async with database.session() as session:
        opening = await open_attempt(session, claims)
    assert opening.attempt is not None
    return opening.superseded


async def _state(database: Database, task_run_id: int) -> tuple[str, str | None]:
    async with database.read_session() as session:
        row = await session.get_one(AttemptRow, task_run_id)
        return row.state, row.over_reason


async def _note(database: Database, claims: AttemptClaims, snapshot_id: int = 1) -> store.Noted:
    prepared = prepare(route("POST", "namespaces/a/tables/t"), "", append_body(snapshot_id), claims)
    async with database.session() as session:
        return await store.note_commit(session, claims, "main", prepared)


async def test_opening_twice_changes_nothing(database: Database) -> None:
    claims = attempt_claims()
    assert await _open(database, claims) == ()
    assert await _open(database, claims) == ()
    assert await _state(database, claims.task_run_id) == (AttemptState.OPEN, None)


async def test_a_later_attempt_ends_every_earlier_one_of_its_task(database: Database) -> None:
    first, second, third = (attempt_claims(n) for n in (1, 2, 3))
    other = attempt_claims(9, task_key="other")
    for claims in (first, second, other):
        await _open(database, claims)
    assert await _open(database, third) == (second.task_run_id,)
    assert await _state(database, first.task_run_id) == (
        AttemptState.OVER,
        f"superseded by attempt {second.task_run_id}",
    )
    assert (await _state(database, other.task_run_id))[0] == AttemptState.OPEN


async def test_an_earlier_attempt_cannot_be_opened_late(database: Database) -> None:
    await _open(database, attempt_claims(2))
    with pytest.raises(Forbidden, match="superseded"):
        await _open(database, attempt_claims(1))


async def test_a_closed_attempt_stays_closed(database: Database) -> None:
    claims = attempt_claims()
    await _open(database, claims)
    for expected in (True, False):
        async with database.session() as session:
            assert await close_attempt(session, claims.task_run_id, "succeeded") is expected
    with pytest.raises(Forbidden, match="succeeded"):
        await _open(database, claims)


async def test_closing_an_attempt_that_was_never_opened_is_harmless(database: Database) -> None:
    async with database.session() as session:
        assert await close_attempt(session, 99, "lost") is False


async def test_opening_waits_for_a_commit_under_way(database: Database) -> None:
    first, second = attempt_claims(1), attempt_claims(2)
    await _open(database, first)
    async with database.session() as commit:
        await store.lock_attempt(commit, first.task_run_id)
        opening = asyncio.create_task(_open(database, second))
        await asyncio.sleep(0.3)
        assert not opening.done()
    assert await opening == (first.task_run_id,)


async def test_two_openings_of_one_task_take_turns(database: Database) -> None:
    claims = [attempt_claims(n) for n in range(1, 9)]
    results = await asyncio.gather(
        *(_open(database, each) for each in claims), return_exceptions=True
    )
    assert not isinstance(results[-1], BaseException)
    states = {
        n: await _state(database, claims[n].task_run_id)
        for n in range(8)
        if not isinstance(results[n], Forbidden)
    }
    assert [n for n, (state, _) in states.items() if state == AttemptState.OPEN] == [7]


async def test_an_attempt_is_not_opened_before_earlier_commits_are_settled(
    database: Database,
) -> None:
    first, second = attempt_claims(1), attempt_claims(2)
    await _open(database, first)
    noted = await _note(database, first)
    async with database.session() as session:
        opening = await open_attempt(session, second)
    assert (opening.attempt, opening.unsettled) == (None, 1)
    assert (await _state(database, first.task_run_id))[0] == AttemptState.OVER
    with pytest.raises(Unavailable, match="1 commits"):
        await begin_attempt(database, second, patience_s=0)
    beginning = asyncio.create_task(begin_attempt(database, second, patience_s=10))
    await asyncio.sleep(0.1)
    async with database.session() as session:
        await store.settle(session, noted.ids, CommitState.COMMITTED)
    assert (await beginning).attempt is not None


async def test_a_snapshot_is_one_row_however_often_it_is_sent(database: Database) -> None:
    claims = attempt_claims()
    first = await _note(database, claims)
    again = await _note(database, claims)
    assert (first.fresh, again.fresh) == (True, False)
    assert first.ids == again.ids


async def test_a_refused_snapshot_may_be_tried_again(database: Database) -> None:
    """Iceberg's Java client keeps the snapshot id when it rebases a commit."""
    claims = attempt_claims()
    noted = await _note(database, claims)
    async with database.session() as session:
        await store.settle(session, noted.ids, CommitState.REFUSED, "conflict")
    assert (await _note(database, claims)).ids == noted.ids
    async with database.read_session() as session:
        [row] = await store.commit_rows(session, noted.ids)
    assert row.state == CommitState.PENDING


async def test_a_settled_commit_is_never_settled_otherwise(database: Database) -> None:
    noted = await _note(database, attempt_claims())
    for state in (CommitState.COMMITTED, CommitState.REFUSED):
        async with database.session() as session:
            await store.settle(session, noted.ids, state)
    async with database.read_session() as session:
        [row] = await store.commit_rows(session, noted.ids)
    assert row.state == CommitState.COMMITTED
    assert row.settled_at is not None and row.settled_at <= datetime.now(UTC)
