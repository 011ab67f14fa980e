"""What passes through the gateway, and what does not; on a real catalog."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlmodel import col, select

from control.db import Database
from control.gateway.tables import AttemptCommitRow, AttemptReadRow
from control.gateway.tokens import AttemptClaims, PrincipalClaims, issue
from tests.gateway.conftest import ROWS, Gateway, Opener
from tests.gateway.make import KEY, attempt_claims, expiry, principal_claims, service_claims

pytestmark = pytest.mark.integration


async def _commits(database: Database, claims: AttemptClaims) -> list[AttemptCommitRow]:
    async with database.read_session() as session:
        query = (
            select(AttemptCommitRow)
            .where(AttemptCommitRow.task_run_id == claims.task_run_id)
            .order_by(col(AttemptCommitRow.id))
        )
        return list((await session.exec(query)).all())


async def _reads(database: Database, claims: AttemptClaims) -> set[tuple[str, int]]:
    async with database.read_session() as session:
        query = select(AttemptReadRow).where(AttemptReadRow.task_run_id == claims.task_run_id)
        return {(row.table_name, row.snapshot_id) for row in (await session.exec(query)).all()}


async def test_pyiceberg_commits_are_stamped_and_noted(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    lake = gateway.pyiceberg(claims)
    lake.create_namespace("py")
    table = lake.create_table("py.t", ROWS.schema)
    table.append(ROWS)
    first = table.current_snapshot()
    table.append(ROWS)
    snapshot = table.refresh().current_snapshot()
    assert first and snapshot and snapshot.summary
    stamp = snapshot.summary.additional_properties
    assert stamp["openlake.task-run-id"] == str(claims.task_run_id)
    assert stamp["openlake.run-id"] == str(run_id)
    assert stamp["openlake.task-key"] == "load"
    assert stamp["total-records"] == "6"
    rows = await _commits(database, claims)
    assert [(r.table_name, r.operation, r.snapshot_id, r.state) for r in rows] == [
        ("py", "create-namespace", None, "committed"),
        ("py.t", "create", None, "committed"),
        ("py.t", "append", first.snapshot_id, "committed"),
        ("py.t", "append", snapshot.snapshot_id, "committed"),
    ]
    assert rows[3].parent_snapshot_id == first.snapshot_id
    assert rows[3].summary["openlake.task-run-id"] == str(claims.task_run_id)


async def test_duckdb_commits_are_stamped_and_noted(
    gateway: Gateway,
    database: Database,
    opened: Opener,
    run_id: int,
    duckdb_lake: Callable[[AttemptClaims], Any],
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    lake = duckdb_lake(claims)
    lake.execute("CREATE SCHEMA lakehouse.duck")
    lake.execute("CREATE TABLE lakehouse.duck.t AS SELECT 1::BIGINT AS x")
    lake.execute("INSERT INTO lakehouse.duck.t VALUES (2)")
    assert lake.execute("SELECT sum(x) FROM lakehouse.duck.t").fetchone() == (3,)
    table = gateway.pyiceberg(claims).load_table("duck.t")
    assert table.properties["openlake.created-by-task-run-id"] == str(claims.task_run_id)
    snapshot = table.current_snapshot()
    assert snapshot and snapshot.summary
    stamp = snapshot.summary.additional_properties
    assert stamp["openlake.task-run-id"] == str(claims.task_run_id)
    rows = [row for row in await _commits(database, claims) if row.snapshot_id]
    assert [row.state for row in rows] == ["committed", "committed"]
    assert rows[-1].snapshot_id == snapshot.snapshot_id


async def test_a_transaction_over_two_tables_is_noted_for_each(
    gateway: Gateway,
    database: Database,
    opened: Opener,
    run_id: int,
    duckdb_lake: Callable[[AttemptClaims], Any],
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    lake = duckdb_lake(claims)
    lake.execute("CREATE SCHEMA lakehouse.two")
    for name in ("a", "b"):
        lake.execute(f"CREATE TABLE lakehouse.two.{name} (x BIGINT)")
    lake.execute("BEGIN; INSERT INTO lakehouse.two.a VALUES (1)")
    lake.execute("INSERT INTO lakehouse.two.b VALUES (1); COMMIT")
    rows = [row for row in await _commits(database, claims) if row.snapshot_id]
    assert sorted(row.table_name for row in rows) == ["two.a", "two.b"]
    assert len({row.request_digest for row in rows}) == 1


async def test_what_an_attempt_loads_is_noted_once_for_each_snapshot(
    gateway: Gateway, database: Database, opened: Opener, run_id: int
) -> None:
    writer = await opened(attempt_claims(run_id=run_id, task_key="write"))
    lake = gateway.pyiceberg(writer)
    lake.create_namespace("reads")
    table = lake.create_table("reads.t", ROWS.schema)
    reader = await opened(attempt_claims(2, run_id=run_id, task_key="read"))
    for _ in range(2):
        gateway.pyiceberg(reader).load_table("reads.t")
    table.append(ROWS)
    snapshot = table.current_snapshot()
    gateway.pyiceberg(reader).load_table("reads.t")
    assert snapshot is not None
    assert await _reads(database, reader) == {
        ("reads.t", -1),
        ("reads.t", snapshot.snapshot_id),
    }


async def test_no_answer_shows_the_catalog_behind_or_its_keys(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    lake = gateway.pyiceberg(claims)
    lake.create_namespace("shy")
    lake.create_table("shy.t", ROWS.schema)
    token = {"Authorization": f"Bearer {issue(KEY, claims)}"}
    wants = token | {"X-Iceberg-Access-Delegation": "vended-credentials,remote-signing"}
    with gateway.client(claims) as client:
        texts = [
            httpx2.get(f"{gateway.url}/v1/config", headers=wants).text,
            client.get("/namespaces/shy/tables/t", headers=wants).text,
        ]
    for text in texts:
        assert "nessie.core-base-uri" not in text
        assert str(gateway.layout.settings.ports.nessie) not in text
        assert gateway.layout.s3("lakehouse").secret_key not in text
        assert '"config"' not in text


def _error(answer: httpx2.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    return answer.status_code, error["type"]


async def test_errors_have_icebergs_shape(gateway: Gateway, opened: Opener, run_id: int) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    root = gateway.url.removesuffix("/iceberg")
    with gateway.client(claims) as client:
        assert _error(client.get("/namespaces/nope/tables/t")) == (404, "NoSuchTableException")
        assert _error(client.get("/namespaces/nope")) == (404, "NoSuchNamespaceException")
        assert _error(client.get("/secrets")) == (404, "NotFoundException")
        assert _error(client.post("/namespaces/a/tables/t", content=b"x")) == (
            400,
            "BadRequestException",
        )
        assert _error(client.get(f"{root}/api/v2/trees")) == (404, "NotFoundException")
        assert _error(client.get(f"{gateway.url}/v1/other/namespaces")) == (
            404,
            "NotFoundException",
        )
        squeezed = {"Content-Encoding": "gzip"}
        assert _error(client.post("/namespaces", content=b"x", headers=squeezed))[0] == 400
        assert client.head("/namespaces/nope").status_code == 404
    assert _error(httpx2.get(f"{gateway.url}/v1/config")) == (401, "NotAuthorizedException")
    wrong = {"Authorization": "Bearer nonsense"}
    assert _error(httpx2.get(f"{gateway.url}/v1/lakehouse/namespaces", headers=wrong))[0] == 401


async def test_a_body_over_the_limit_is_refused(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    with gateway.client(claims) as client:
        answer = client.post("/namespaces", content=b"x" * (65 * 1024 * 1024))
    assert _error(answer) == (413, "BadRequestException")


async def test_an_attempt_that_was_never_opened_may_do_nothing(
    gateway: Gateway, run_id: int
) -> None:
    with gateway.client(attempt_claims(run_id=run_id)) as client:
        assert _error(client.get("/namespaces")) == (403, "ForbiddenException")
        body = {"namespace": ["never"]}
        assert _error(client.post("/namespaces", json=body)) == (403, "ForbiddenException")


async def test_the_stacks_own_servers_may_only_look_around(gateway: Gateway) -> None:
    with gateway.client(service_claims()) as client:
        assert client.get("/namespaces").status_code == 200
        assert _error(client.get("/namespaces/a/tables"))[0] == 403
        assert _error(client.post("/namespaces", json={"namespace": ["no"]}))[0] == 403


async def test_people_read_and_write_as_their_token_says(gateway: Gateway) -> None:
    table = gateway.pyiceberg(principal_claims())
    table.create_namespace("people")
    table.create_table("people.t", ROWS.schema).append(ROWS)
    reader: PrincipalClaims = principal_claims(access="read", expires_at=expiry())
    snapshot = gateway.pyiceberg(reader).load_table("people.t").current_snapshot()
    assert snapshot and snapshot.summary
    assert snapshot.summary.additional_properties["openlake.principal"] == "ada"
    with gateway.client(reader) as client:
        assert _error(client.delete("/namespaces/people/tables/t"))[0] == 403


async def test_metrics_count_calls_and_commits(
    gateway: Gateway, opened: Opener, run_id: int
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    gateway.pyiceberg(claims).create_namespace("counted")
    text = httpx2.get(gateway.url.replace("/iceberg", "/metrics")).text
    assert 'openlake_gateway_requests_total{action="create-namespace",status="200"}' in text
    assert 'openlake_gateway_commits_total{action="create-namespace",state="committed"}' in text
    assert "openlake_gateway_request_seconds_bucket" in text
