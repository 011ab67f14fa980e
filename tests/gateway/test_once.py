"""A gateway that dies at the worst moment loses and doubles nothing."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pyiceberg.catalog import Catalog as IcebergCatalog
from sqlmodel import col, select

from control.db import Database
from control.gateway.tables import AttemptCommitRow
from control.gateway.tokens import AttemptClaims, issue
from tests.gateway.conftest import ROWS, Gateway, Opener
from tests.gateway.make import KEY, attempt_claims, principal_claims
from tests.gateway.opening import begin_attempt

pytestmark = pytest.mark.integration


DUCKDB_COMMITS = "commit-transaction"


class Wire:
    """Records what PyIceberg sends, so that a test can send it again."""

    def __init__(self, lake: IcebergCatalog) -> None:
        self.sent: list[tuple[str, bytes]] = []
        session: Any = lake._session  # type: ignore[attr-defined]
        plain = session.send

        def send(request: Any, **options: Any) -> Any:
            if request.method == "POST":
                self.sent.append((request.url, request.body))
            return plain(request, **options)

        session.send = send


async def _states(database: Database, claims: AttemptClaims) -> list[tuple[str, str]]:
    async with database.read_session() as session:
        query = (
            select(AttemptCommitRow)
            .where(AttemptCommitRow.task_run_id == claims.task_run_id)
            .order_by(col(AttemptCommitRow.id))
        )
        return [(row.operation, row.state) for row in (await session.exec(query)).all()]


def _send(gateway: Gateway, claims: Any, url: str, body: bytes, **more: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {issue(KEY, claims)}", **more}
    return httpx2.post(url, content=body, headers=headers, timeout=30)


def _die_in(gateway: Gateway, action: str) -> None:
    """Let the serving process be killed; its keeper starts another one."""
    gateway.fault.write_text(f"die {action}")


def _table(gateway: Gateway, claims: AttemptClaims, namespace: str) -> tuple[Any, Wire]:
    lake = gateway.pyiceberg(claims)
    lake.create_namespace(namespace)
    table = lake.create_table(f"{namespace}.t", ROWS.schema)
    table.append(ROWS)
    return table, Wire(lake)


async def test_a_commit_sent_again_after_the_gateway_died_is_done_once(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    table, wire = _table(gateway, claims, "once")
    _die_in(gateway, "commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)
    url, body = wire.sent[-1]
    answers = [_send(gateway, claims, url, body) for _ in range(2)]
    wanted = json.loads(body)["updates"][0]["snapshot"]["snapshot-id"]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json()["metadata"]["current-snapshot-id"] == wanted
    fresh = gateway.pyiceberg(claims).load_table("once.t")
    assert fresh.scan().to_arrow().num_rows == 6
    assert await _states(database, claims) == [
        ("create-namespace", "committed"),
        ("create", "committed"),
        ("append", "committed"),
        ("append", "committed"),
    ]


async def test_a_gateway_and_its_keeper_may_die(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    table, wire = _table(gateway, claims, "both")
    gateway.fault.write_text("crash commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)
    gateway.wait_until_dead()
    gateway.start()
    assert _send(gateway, claims, *wire.sent[-1]).status_code == 200
    assert table.refresh().scan().to_arrow().num_rows == 6


async def test_it_is_recognised_under_later_commits_too(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    """Nessie lists only a table's newest snapshot; an older one is found in its log."""
    claims = await opened(attempt_claims(run_id=run_id))
    table, wire = _table(gateway, claims, "under")
    _die_in(gateway, "commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)
    other = gateway.pyiceberg(principal_claims()).load_table("under.t")
    other.append(ROWS)
    newest = other.current_snapshot()
    answer = _send(gateway, claims, *wire.sent[-1])
    assert answer.status_code == 200, answer.text
    assert newest is not None
    assert answer.json()["metadata"]["current-snapshot-id"] == newest.snapshot_id
    assert other.refresh().scan().to_arrow().num_rows == 9


def _create_request(gateway: Gateway, claims: AttemptClaims, namespace: str) -> tuple[str, bytes]:
    """A create as PyIceberg sends it, for the table `t`; it makes the table `sample`."""
    lake = gateway.pyiceberg(claims)
    lake.create_namespace(namespace)
    wire = Wire(lake)
    lake.create_table(f"{namespace}.sample", ROWS.schema)
    url, body = wire.sent[-1]
    return url, json.dumps(json.loads(body) | {"name": "t"}).encode()


async def test_a_table_created_as_the_gateway_died_is_created_once(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    url, body = _create_request(gateway, claims, "born")
    _die_in(gateway, "create-table")
    with pytest.raises(httpx2.TransportError):
        _send(gateway, claims, url, body)
    again = _send(gateway, claims, url, body)
    assert again.status_code == 200, again.text
    assert again.json()["metadata"]["properties"]["openlake.created-by-attempt"] == "0"
    # Another table of that name is not the same request.
    other = body.replace(b'"required": false', b'"required": true')
    assert other != body
    answer = _send(gateway, claims, url, other)
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "AlreadyExistsException")


async def test_with_an_idempotency_key_a_create_is_the_same_one_always(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    url, body = _create_request(gateway, claims, "keyed")
    key = {"Idempotency-Key": "019a-1"}
    first, second = (_send(gateway, claims, url, body, **key) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200), first.text
    assert first.json()["metadata"]["table-uuid"] == second.json()["metadata"]["table-uuid"]
    other = _send(gateway, claims, url, body, **{"Idempotency-Key": "019a-2"})
    assert other.status_code == 409


async def test_a_transaction_over_tables_is_done_once(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    table, wire = _table(gateway, claims, "multi")
    # The commit that PyIceberg would send, wrapped as DuckDB sends it.
    _die_in(gateway, "commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)
    body = json.dumps({"table-changes": [json.loads(wire.sent[-1][1])]}).encode()
    url = f"{gateway.url}/v1/lakehouse/transactions/commit"
    assert _send(gateway, claims, url, body).status_code == 204
    assert table.refresh().scan().to_arrow().num_rows == 6


async def test_a_person_who_sends_again_is_answered_too(gateway: Gateway) -> None:
    lake = gateway.pyiceberg(principal_claims())
    lake.create_namespace("person")
    table = lake.create_table("person.t", ROWS.schema)
    wire = Wire(lake)
    table.append(ROWS)
    answer = _send(gateway, principal_claims(), *wire.sent[-1])
    assert answer.status_code == 200, answer.text
    assert table.refresh().scan().to_arrow().num_rows == 3


async def test_a_real_conflict_stays_a_conflict(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    table, wire = _table(gateway, claims, "conflict")
    table.append(ROWS)
    url, body = wire.sent[-1]
    content = json.loads(body)
    for update in content["updates"]:
        if update["action"] == "add-snapshot":
            update["snapshot"]["snapshot-id"] += 1
        else:
            update["snapshot-id"] += 1
    answer = _send(gateway, claims, url, json.dumps(content).encode())
    assert answer.status_code == 409
    assert answer.json()["error"]["type"] == "CommitFailedException"
    assert (await _states(database, claims))[-1] == ("append", "refused")


async def test_what_is_left_pending_is_settled_and_the_next_attempt_waits_for_it(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    first = await opened(attempt_claims(1, run_id=run_id))
    table, _ = _table(gateway, first, "settle")
    gateway.fault.write_text("crash commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)
    gateway.wait_until_dead()
    assert (await _states(database, first))[-1] == ("append", "pending")
    gateway.start()
    await begin_attempt(database, attempt_claims(2, run_id=run_id), patience_s=20)
    assert (await _states(database, first))[-1] == ("append", "committed")


async def test_a_commit_that_never_reached_the_catalog_is_settled_as_refused(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    """As a gateway leaves it that dies just before it passes the commit on."""
    from control.gateway import store
    from control.gateway.stamps import prepare
    from tests.gateway.make import append_body, route

    first = await opened(attempt_claims(1, run_id=run_id))
    prepared = prepare(route("POST", "namespaces/a/tables/t"), "", append_body(4711), first)
    async with database.session() as session:
        await store.note_commit(session, first, "main", prepared)
    began = time.monotonic()
    await begin_attempt(database, attempt_claims(2, run_id=run_id), patience_s=20)
    assert time.monotonic() - began > 1.5
    assert await _states(database, first) == [("append", "refused")]


async def test_an_attempt_learns_what_it_has_committed_though_the_gateway_died(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    other = await opened(attempt_claims(2, run_id=run_id, task_key="other"))
    table, _ = _table(gateway, claims, "learned")
    _die_in(gateway, "commit-table")
    with pytest.raises(Exception, match=r"Connection|Remote"):
        table.append(ROWS)

    def ask(who: Any, after: int = 0) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {issue(KEY, who)}"}
        url = f"{gateway.url}/openlake/commits"
        return httpx2.get(url, params={"after": after}, headers=headers, timeout=30)

    deadline = time.monotonic() + 20
    while any(row["state"] == "pending" for row in ask(claims).json()["commits"]):
        assert time.monotonic() < deadline
    rows = ask(claims).json()["commits"]
    assert [(row["operation"], row["state"]) for row in rows] == [
        ("create-namespace", "committed"),
        ("create", "committed"),
        ("append", "committed"),
        ("append", "committed"),
    ]
    last = table.refresh().current_snapshot()
    assert rows[-1]["snapshot_id"] == str(last.snapshot_id)
    assert rows[-1]["summary"]["openlake.task-run-id"] == str(claims.task_run_id)
    assert ask(claims, rows[-2]["id"]).json()["commits"] == rows[-1:]
    assert ask(other).json()["commits"] == []
    assert ask(principal_claims()).status_code == 403


async def test_an_insert_of_duckdb_lands_once_though_the_gateway_died(
    gateway: Gateway, opened: Opener, run_id: int, duckdb_lake: Callable[[AttemptClaims], Any]
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    lake = duckdb_lake(claims)
    lake.execute("CREATE SCHEMA lakehouse.ducks")
    lake.execute("CREATE TABLE lakehouse.ducks.t AS SELECT 1::BIGINT AS x")
    gateway.fault.write_text(f"die {DUCKDB_COMMITS}")
    lake.execute("INSERT INTO lakehouse.ducks.t VALUES (2)")
    assert not gateway.fault.exists()
    assert gateway.pyiceberg(claims).load_table("ducks.t").scan().to_arrow().num_rows == 2
