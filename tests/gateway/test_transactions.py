"""A run as one transaction: its work is seen by nobody else until all of it is."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from control.db import Database
from control.gateway.upstream import Catalog
from control.tokens import service as tokens
from control.transactions.tables import TransactionState
from tests.gateway.conftest import Gateway
from tests.gateway.transacting import (
    Transacting,
    append,
    make_run,
    read,
    somebody,
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
