"""A run as one transaction: its work is seen by nobody else until all of it is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyiceberg.exceptions import ForbiddenError
from sqlalchemy import true

from control.db import Database
from control.gateway.evidence import Mark, landed
from control.gateway.references import References
from control.gateway.tokens import MAIN, AttemptClaims
from control.gateway.upstream import Catalog
from control.runs.tables import Run
from control.tokens import service as tokens
from control.transactions import lifecycle, store
from control.transactions.names import landing_message, publish_message
from control.transactions.sweep import sweep
from control.transactions.tables import AttemptBranchState, TransactionState
from spec.attempts import AttemptResult
from spec.errors import Invalid
from tests.gateway.conftest import Gateway
from tests.gateway.make import principal_claims
from tests.gateway.transacting import (
    Died,
    Transacting,
    append,
    make_run,
    read,
    somebody,
    touch,
    touched,
    transacting,
)

pytestmark = pytest.mark.integration

Runs = Callable[..., Awaitable[Transacting]]


@pytest.fixture
async def runs(
    gateway: Gateway, database: Database, catalog: Catalog, new_run: Callable[[], int]
) -> Runs:
    """Makes runs that are transactions."""
    async with database.session() as session:
        await tokens.bootstrap(session)

    async def make(**policy: Any) -> Transacting:
        run_id = new_run()
        await make_run(database, run_id, **policy)
        return transacting(gateway, database, catalog, run_id)

    return make


async def test_nobody_sees_a_run_before_it_is_published(runs: Runs, gateway: Gateway) -> None:
    run = await runs()
    main = somebody(gateway)
    append(main, "tx1.orders", 1)
    first = await run.work("a", tx1__orders=2, tx1_new__items=3)
    second = await run.attempt("after_a")
    assert read(run.lake(second), "tx1.orders") == [1, 2]
    assert read(run.lake(second), "tx1_new.items") == [3]
    assert read(main, "tx1.orders") == [1]
    assert read(main, "tx1_new.items") is None
    run.append(second, "tx1.report", 4)
    await run.land(second)
    assert (await run.branch(first)).tables == ["tx1.orders", "tx1_new.items"]
    outcome = await run.publish()
    assert outcome.published
    assert outcome.tables == ("tx1.orders", "tx1.report", "tx1_new.items")
    assert read(main, "tx1.orders") == [1, 2]
    assert read(main, "tx1_new.items") == [3]
    assert read(main, "tx1.report") == [4]
    row = await run.transaction()
    assert row.state == TransactionState.PUBLISHED
    snapshot = main.load_table("tx1.report").current_snapshot()
    assert snapshot is not None
    assert row.tables[1] == {
        "table": "tx1.report",
        "snapshot_id": snapshot.snapshot_id,
        "task_key": "after_a",
        "task_run_id": second.task_run_id,
    }


async def test_a_run_reads_one_moment_of_all_tables(runs: Runs, gateway: Gateway) -> None:
    run = await runs()
    main = somebody(gateway)
    append(main, "tx2.t", 1)
    await run.work("a")
    append(main, "tx2.t", 2)
    assert read(run.lake(await run.attempt("b")), "tx2.t") == [1]


async def test_of_two_tasks_that_change_one_table_the_second_conflicts(
    runs: Runs, gateway: Gateway
) -> None:
    run = await runs()
    append(somebody(gateway), "tx3.t", 1)
    first, second = await run.attempt("a"), await run.attempt("b")
    run.append(first, "tx3.t", 2)
    run.append(second, "tx3.t", 3)
    assert (await run.land(first)).result is AttemptResult.SUCCESS
    for _ in range(2):
        refused = await run.land(second)
        assert refused.result is AttemptResult.CONFLICT
        assert "tx3.t (landed by task 'a')" in refused.message
    await run.end_attempt(second)
    assert (await run.branch(second)).state == AttemptBranchState.ABANDONED
    again = await run.attempt("b", attempt=1)
    assert read(run.lake(again), "tx3.t") == [1, 2]
    run.append(again, "tx3.t", 3)
    assert (await run.land(again)).result is AttemptResult.SUCCESS
    await run.publish()
    assert read(somebody(gateway), "tx3.t") == [1, 2, 3]


async def test_tasks_that_make_the_same_namespace_land_side_by_side(
    runs: Runs, gateway: Gateway
) -> None:
    run = await runs()
    attempts = [await run.attempt(key) for key in ("a", "b", "c")]
    for number, claims in enumerate(attempts):
        run.append(claims, f"tx4.t{number}", number)
    outcomes = await asyncio.gather(*(run.land(claims) for claims in attempts))
    assert {outcome.result for outcome in outcomes} == {AttemptResult.SUCCESS}
    assert (await run.publish()).tables == ("tx4.t0", "tx4.t1", "tx4.t2")
    assert [read(somebody(gateway), f"tx4.t{n}") for n in range(3)] == [[0], [1], [2]]


async def test_what_a_superseded_attempt_did_never_was(runs: Runs, gateway: Gateway) -> None:
    run = await runs()
    lost = await run.attempt("a")
    run.append(lost, "tx5.t", 1)
    table = run.lake(lost).load_table("tx5.t")
    second = await run.attempt("a", attempt=1)
    assert (await run.branch(lost)).state == AttemptBranchState.ABANDONED
    with pytest.raises(ForbiddenError, match="superseded"):
        table.append(table.scan().to_arrow())
    await sweep(run.context)
    with pytest.raises(ForbiddenError, match="superseded"):
        run.lake(lost).load_table("tx5.t")
    assert (await run.land(lost)).result is AttemptResult.CANCELED
    run.append(second, "tx5.t", 2)
    await run.land(second)
    await run.publish()
    assert read(somebody(gateway), "tx5.t") == [2]


async def test_a_landed_attempt_is_refused_at_once_also_when_its_branch_is_gone(
    runs: Runs, gateway: Gateway
) -> None:
    run = await runs()
    claims = await run.work("a", tx6__t=1)
    with gateway.client(claims) as client:
        # The gateway may still take it for open; the branch is not there.
        await sweep(run.context)
        for answer in (
            client.get("/namespaces/tx6/tables/t"),
            client.get("/namespaces"),
            client.post("/namespaces", json={"namespace": ["tx6b"]}),
        ):
            assert answer.status_code == 403, answer.text


async def test_a_conflict_names_the_tables_and_both_writers(runs: Runs, gateway: Gateway) -> None:
    main = somebody(gateway)
    append(main, "tx7.t", 1)
    append(main, "tx7.u", 1)
    run, other = await runs(), await runs()
    claims = await run.work("a", tx7__t=2, tx7__u=2, tx7__v=2)
    await other.work("b", tx7__t=3)
    assert (await other.publish()).published
    append(main, "tx7.u", 4)
    outcome = await run.publish()
    assert not outcome.published
    assert not outcome.cut_anew
    assert outcome.tables == ("tx7.t", "tx7.u")
    assert outcome.writers == ("a",)
    assert f"'b' of run {other.run_id} (job 5)" in outcome.message
    assert "written here by task 'a'" in outcome.message
    assert "meanwhile changed by ada" in outcome.message
    assert [read(main, f"tx7.{name}") for name in "tuv"] == [[1, 3], [1, 4], None]
    row = await run.transaction()
    assert row.state == TransactionState.CONFLICT
    assert row.conflicts[0]["by"]["task_key"] == "b"
    await other.work("c", tx7__t=9)
    assert await run.publish() == outcome
    assert (await run.branch(claims)).state == AttemptBranchState.LANDED


async def test_runs_on_different_tables_never_conflict(runs: Runs, gateway: Gateway) -> None:
    one, two, three = await runs(), await runs(), await runs()
    await one.work("a", tx8__t=1)
    await two.work("a", tx8__u=2)
    await three.work("a", tx8__v=3)
    outcomes = await asyncio.gather(*(run.publish() for run in (one, two, three)))
    assert [outcome.tables for outcome in outcomes] == [("tx8.t",), ("tx8.u",), ("tx8.v",)]
    main = somebody(gateway)
    assert [read(main, f"tx8.{name}") for name in "tuv"] == [[1], [2], [3]]


async def test_properties_of_a_namespace_that_both_sides_made_stay(
    runs: Runs, gateway: Gateway
) -> None:
    run = await runs()
    await run.work("a", tx9__t=1)
    main = somebody(gateway)
    main.create_namespace("tx9", {"owner": "ada"})
    assert (await run.publish()).published
    assert main.load_namespace_properties("tx9")["owner"] == "ada"
    assert read(main, "tx9.t") == [1]


async def test_a_branch_is_cut_anew_with_what_is_not_in_conflict(
    runs: Runs, gateway: Gateway
) -> None:
    main = somebody(gateway)
    append(main, "tx10.t", 1)
    run = await runs()
    await run.work("a", tx10__t=2)
    kept = await run.work("b", tx10__kept=5, tx10_new__kept=6)
    await run.work("after_a", tx10__report=3)
    append(main, "tx10.t", 9)
    refused = await run.publish(1, retry=True)
    assert refused.cut_anew
    assert refused.writers == ("a",)
    assert await run.publish(1, retry=True) == refused
    assert (await run.transaction()).number == 1
    again = await run.attempt("a", attempt=1)
    lake = run.lake(again)
    assert read(lake, "tx10.t") == [1, 9]
    assert read(lake, "tx10.report") is None
    assert read(lake, "tx10.kept") == [5]
    run.append(again, "tx10.t", 2)
    await run.land(again)
    await run.work("after_a", tx10__report=4)
    outcome = await run.publish(2, retry=True)
    assert outcome.tables == ("tx10.kept", "tx10.report", "tx10.t", "tx10_new.kept")
    assert [read(main, f"tx10.{name}") for name in ("t", "kept", "report")] == [
        [1, 2, 9],
        [5],
        [4],
    ]
    published = {each["table"]: each["task_run_id"] for each in (await run.transaction()).tables}
    assert published["tx10_new.kept"] == kept.task_run_id


async def test_what_rests_on_work_in_conflict_runs_again_too(runs: Runs, gateway: Gateway) -> None:
    main = somebody(gateway)
    append(main, "tx11.t", 1)
    run = await runs()
    await run.work("a", tx11__t=2, tx11__shared=2)
    await run.work("b", tx11__shared=3)
    await run.work("c", tx11__own=4)
    append(main, "tx11.t", 9)
    refused = await run.publish(1, retry=True)
    assert refused.writers == ("a", "b")
    assert refused.cut_anew
    again = await run.attempt("a", attempt=1)
    assert read(run.lake(again), "tx11.shared") is None
    assert read(run.lake(again), "tx11.own") == [4]


async def test_a_repair_goes_on_on_the_kept_branch(runs: Runs, gateway: Gateway) -> None:
    run = await runs(keep_hours=2)
    await run.work("a", tx12__t=1)
    failed = await run.attempt("b")
    run.append(failed, "tx12.t", 2)
    await run.end_attempt(failed)
    await run.end()
    row = await run.transaction()
    assert row.state == TransactionState.KEPT
    assert row.drop_after is not None
    assert 7100 < (row.drop_after - datetime.now(UTC)).total_seconds() < 7201
    await sweep(run.context)
    inspector = gateway.pyiceberg(principal_claims(access="read", branch=row.branch))
    assert read(inspector, "tx12.t") == [1]
    await run.reopen()
    again = await run.attempt("b", attempt=1)
    assert read(run.lake(again), "tx12.t") == [1]
    assert (await run.transaction()).drop_after is None
    run.append(again, "tx12.t", 2)
    await run.land(again)
    assert (await run.publish(1, execution=1)).published
    assert read(somebody(gateway), "tx12.t") == [1, 2]


async def test_a_repair_after_a_conflict_begins_from_main_as_it_is(
    runs: Runs, gateway: Gateway, database: Database
) -> None:
    main = somebody(gateway)
    append(main, "tx13.t", 1)
    run = await runs()
    await run.work("a", tx13__t=2)
    await run.work("b", tx13__kept=3)
    append(main, "tx13.t", 9)
    assert not (await run.publish()).published
    await run.end()
    assert (await run.transaction()).state == TransactionState.CONFLICT
    append(main, "tx13.t", 10)
    await run.reopen()
    # Both wait for the one branch.
    again, other = await asyncio.gather(run.attempt("a", attempt=1), run.attempt("c"))
    assert read(run.lake(again), "tx13.t") == [1, 9, 10]
    assert read(run.lake(other), "tx13.kept") == [3]
    run.append(again, "tx13.t", 2)
    await run.land(again)
    assert (await run.publish(1, execution=1)).published
    assert read(main, "tx13.t") == [1, 2, 9, 10]
    assert read(main, "tx13.kept") == [3]


async def test_what_is_kept_stands_on_main_as_it_was_if_it_no_longer_fits(
    runs: Runs, gateway: Gateway
) -> None:
    main = somebody(gateway)
    append(main, "tx25.t", 1)
    append(main, "tx25.kept", 1)
    run = await runs()
    await run.work("a", tx25__t=2)
    await run.work("b", tx25__kept=2)
    append(main, "tx25.t", 9)
    assert not (await run.publish()).published
    append(main, "tx25.kept", 9)
    await run.reopen()
    again = await run.attempt("a", attempt=1)
    assert read(run.lake(again), "tx25.t") == [1, 9]
    assert read(run.lake(again), "tx25.kept") == [1, 2]
    run.append(again, "tx25.t", 2)
    await run.land(again)
    assert (await run.publish(1, execution=1)).writers == ("b",)
    assert read(main, "tx25.kept") == [1, 9]


async def test_a_repair_of_a_published_run_is_a_transaction_of_its_own(
    runs: Runs, gateway: Gateway
) -> None:
    main = somebody(gateway)
    run = await runs()
    await run.work("a", tx14__t=1)
    await run.publish()
    await run.end()
    append(main, "tx14.t", 2)
    await run.reopen()
    again = await run.attempt("b")
    assert read(run.lake(again), "tx14.t") == [1, 2]
    run.append(again, "tx14.t", 3)
    await run.land(again)
    assert (await run.publish(1, execution=1)).tables == ("tx14.t",)
    assert read(main, "tx14.t") == [1, 2, 3]
    assert (await run.publish(1, execution=0)).published


async def test_a_dropped_branch_cannot_be_repaired(
    runs: Runs, gateway: Gateway, catalog: Catalog
) -> None:
    run = await runs(on_failure="drop_branch")
    claims = await run.work("a", tx15__t=1)
    await run.end()
    await sweep(run.context)
    row = await run.transaction()
    assert row.state == TransactionState.DROPPED
    assert row.dropped_at is not None
    assert (await run.branch(claims)).dropped_at is not None
    references = References(catalog)
    assert await references.head(row.branch) is None
    assert await references.head(claims.branch) is None
    with pytest.raises(Invalid, match="has been dropped"):
        await run.reopen()


async def test_a_landing_that_was_given_up_does_not_count_after_a_repair(
    runs: Runs, gateway: Gateway
) -> None:
    """The run was ended from outside just when an attempt landed."""
    run = await runs()
    await run.work("b", tx16__kept=1)
    cut_off = await run.attempt("a")
    run.append(cut_off, "tx16.t", 1)
    run.faults.die_at = len(run.faults.steps) + 3
    with pytest.raises(Died, match="merged"):
        await run.land(cut_off)
    await run.end()
    await run.reopen()
    again = await run.attempt("a", attempt=1)
    assert read(run.lake(again), "tx16.t") is None
    run.append(again, "tx16.t", 2)
    await run.land(again)
    await run.publish(1, execution=1)
    assert read(somebody(gateway), "tx16.t") == [2]
    assert read(somebody(gateway), "tx16.kept") == [1]


async def test_a_replay_works_on_an_old_moment_and_is_never_published(
    runs: Runs, gateway: Gateway, database: Database, catalog: Catalog
) -> None:
    main = somebody(gateway)
    append(main, "tx17.t", 1)
    moment = await _now_of(catalog)
    append(main, "tx17.t", 2)
    base = await References(catalog).commit_at(moment)
    assert base is not None
    run = await runs()
    async with database.session() as session:
        await lifecycle.begin_replay(
            session, await session.get_one(Run, run.run_id), replay_of=7 << 20, base_hash=base
        )
    claims = await run.attempt("a")
    assert read(run.lake(claims), "tx17.t") == [1]
    run.append(claims, "tx17.t", 3)
    await run.land(claims)
    outcome = await run.publish()
    assert outcome.published
    assert outcome.tables == ()
    assert read(main, "tx17.t") == [1, 2]
    await run.end()
    row = await run.transaction()
    assert row.state == TransactionState.KEPT
    kept = gateway.pyiceberg(principal_claims(access="read", branch=row.branch))
    assert read(kept, "tx17.t") == [1, 3]


async def _now_of(catalog: Catalog) -> datetime:
    """The instant of main's newest commit, by the catalog's own clock, which is finer than ours."""
    async for entry in References(catalog).history(MAIN):
        return entry.committed_at + timedelta(microseconds=1)
    raise AssertionError("main has no commit")


async def test_a_run_that_is_no_transaction_writes_to_main(runs: Runs, gateway: Gateway) -> None:
    run = await runs(publishes=False)
    claims = await run.attempt("a")
    assert claims.branch == MAIN
    run.append(claims, "tx18.t", 1)
    assert read(somebody(gateway), "tx18.t") == [1]
    assert (await run.land(claims)).result is AttemptResult.SUCCESS
    run.append(claims, "tx18.t", 2)


async def test_what_was_sent_to_a_branch_that_is_gone_did_not_land(catalog: Catalog) -> None:
    for mark in (
        Mark(("tx26", "t"), snapshot_id=1, table_uuid=None, create_digest=None),
        Mark(("tx26", "t"), snapshot_id=None, table_uuid="u", create_digest=None),
    ):
        assert not await landed(catalog, "attempt_1", [mark])


async def test_a_person_may_only_read_a_branch(runs: Runs, gateway: Gateway) -> None:
    run = await runs()
    await run.work("a", tx19__t=1)
    branch = (await run.transaction()).branch
    person = gateway.pyiceberg(principal_claims(branch=branch))
    assert read(person, "tx19.t") == [1]
    with pytest.raises(ForbiddenError, match="only read"):
        append(person, "tx19.t", 2)


async def test_a_statement_is_named_in_what_it_commits(gateway: Gateway) -> None:
    lake = gateway.pyiceberg(principal_claims(statement_id="01-st"))
    append(lake, "tx20.t", 1)
    snapshot = lake.load_table("tx20.t").current_snapshot()
    assert snapshot is not None and snapshot.summary is not None
    assert snapshot.summary["openlake.statement-id"] == "01-st"
    assert snapshot.summary["openlake.principal"] == "ada"


async def _survive(call: Callable[[], Awaitable[Any]]) -> Any:
    """Call again what died on the way, as Temporal and the engine workers do."""
    try:
        return await call()
    except Died:
        return await call()


async def _task(run: Transacting, key: str, namespace: str, ordinal: int) -> None:
    """One attempt that makes or changes the table named like its task, without any data."""

    async def opened() -> AttemptClaims:
        run.ordinal = ordinal - 1
        return await run.attempt(key)

    claims = await _survive(opened)
    with run.gateway.client(claims) as client:
        touch(client, namespace, key, f"{run.run_id}-{ordinal}")
    outcome = await _survive(lambda: run.land(claims))
    assert outcome.result is AttemptResult.SUCCESS


async def _messages(catalog: Catalog, branch: str, since: str) -> list[str]:
    return [entry.message async for entry in References(catalog).history(branch, since=since)]


@pytest.mark.slow
async def test_killed_between_any_two_steps_a_run_is_published_exactly_once(
    runs: Runs, gateway: Gateway, catalog: Catalog
) -> None:
    step, steps = 0, [""]
    with gateway.client(principal_claims()) as main:
        while step < len(steps):
            step += 1
            run = await runs()
            run.faults.die_at = step
            namespace = f"tx21_{step}"
            await _task(run, "a", namespace, 1)
            outcome = await _survive(run.publish)
            assert outcome == await run.publish()
            assert outcome.tables == (f"{namespace}.a",)
            steps, row = run.faults.steps, await run.transaction()
            landed = await _messages(catalog, row.branch, row.base_hash)
            assert landed == [landing_message(run.run_id + 1)], steps
            published = await _messages(catalog, MAIN, row.base_hash)
            assert published.count(publish_message(run.run_id, 0)) == 1, steps
            assert touched(main, namespace, "a") == f"{run.run_id}-1"
    assert len(steps) > 10


@pytest.mark.slow
async def test_killed_between_any_two_steps_a_branch_is_cut_anew_exactly_once(
    runs: Runs, gateway: Gateway, catalog: Catalog
) -> None:
    died, steps, run, namespace = 0, list[str](), await runs(), ""
    with gateway.client(principal_claims()) as main:
        while died <= len(steps):
            run, namespace = await runs(), f"tx24_{died}"
            touch(main, namespace, "a", "before")
            await _task(run, "a", namespace, 1)
            await _task(run, "b", namespace, 2)
            await _task(run, "c", namespace, 3)
            touch(main, namespace, "a", "meanwhile")
            run.faults.steps.clear()
            died += 1
            run.faults.die_at = died
            refused = await _survive(lambda run=run: run.publish(1, retry=True))
            assert refused == await run.publish(1, retry=True)
            assert refused.cut_anew
            assert refused.writers == ("a",)
            steps, row = list(run.faults.steps), await run.transaction()
            assert row.number == 1
            kept = [landing_message(run.run_id + n) for n in (3, 2)]
            assert await _messages(catalog, row.branch, row.base_hash) == kept, steps
            assert touched(main, namespace, "a") == "meanwhile"
            assert touched(main, namespace, "b") is None
    await _task(run, "a", namespace, 4)
    assert (await run.publish(2, retry=True)).published
    with gateway.client(principal_claims()) as main:
        found = [touched(main, namespace, key) for key in "abc"]
    assert found == [f"{run.run_id}-{number}" for number in (4, 2, 3)]


async def test_a_reader_of_main_never_sees_a_part_of_a_run(runs: Runs, gateway: Gateway) -> None:
    main = somebody(gateway)
    names = [f"tx22.t{number}" for number in range(3)]
    for name in names:
        append(main, name, 0)
    run = await runs()
    await run.work("a", tx22__t0=1)
    await run.work("b", tx22__t1=1, tx22__t2=1)
    seen: list[tuple[Any, ...]] = []
    done = asyncio.Event()

    def look() -> tuple[Any, ...]:
        # In the reverse order of a publication table by table, twice: a mix shows.
        return tuple(read(main, name) for name in (*names, *names[::-1]))

    async def poll() -> None:
        while not done.is_set():
            seen.append(await asyncio.to_thread(look))
        seen.append(await asyncio.to_thread(look))

    polling = asyncio.create_task(poll())
    await run.publish()
    done.set()
    await polling
    old, new = [0], [0, 1]
    assert seen[-1] == (new,) * 6
    for states in seen:
        # Once a table is new, all that are read after it are.
        first = states.index(new) if new in states else len(states)
        assert states == (old,) * first + (new,) * (len(states) - first)


async def test_the_same_request_twice_at_once_publishes_once(
    runs: Runs, gateway: Gateway, catalog: Catalog
) -> None:
    run = await runs()
    await run.work("a", tx23__t=1)
    one, two = await asyncio.gather(run.publish(), run.publish())
    assert one == two
    assert one.tables == ("tx23.t",)
    row = await run.transaction()
    log = [entry.message async for entry in References(catalog).history(MAIN, since=row.base_hash)]
    assert log.count(publish_message(run.run_id, 0)) == 1


async def test_transactions_of_a_workspace_are_listed_newest_first(
    runs: Runs, database: Database
) -> None:
    one, two = await runs(), await runs()
    await one.work("a")
    await two.work("a")
    async with database.read_session() as session:
        found = await store.page(session, 1, limit=2, visible=true())
        below = (found[0].run_id, found[0].number)
        after = await store.page(session, 1, limit=1, below=below, visible=true())
    assert [row.run_id for row in found] == [two.run_id, one.run_id]
    assert [row.run_id for row in after] == [one.run_id]
