"""Statement Execution's control plane: a warehouse's worker is played over the internal API."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import httpx2
import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
import pytest
from sqlmodel import select

from control.db import Database
from control.deps import Deps
from control.metrics import Metrics
from control.runs.outbox import relay_once
from control.runs.tables import OutboxKind, OutboxRow
from control.statements import closing
from control.statements.tables import Statement
from control.workspaces.tables import Workspace
from spec import ports
from spec.errors import Invalid
from spec.statements import Parameter, StatementClosing, StatementRef, check_parameter
from tests.control.conftest import Recorder

PATH = "/api/2.0/sql/statements"
COLUMNS = [{"name": "a", "type_name": "DECIMAL", "type_text": "DECIMAL(3,2)", "precision": 3}]


async def send(api: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    body = {"statement": "SELECT 1", "warehouse_id": "duckdb", "wait_timeout": "0s", **fields}
    answer = await api.post(f"{PATH}/", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ref_of(statement_id: str) -> StatementRef:
    return StatementRef(workspace_id=1, warehouse_id="duckdb", statement_id=statement_id)


async def opened(worker: httpx2.AsyncClient, statement_id: str) -> dict[str, Any]:
    body = ref_of(statement_id).model_dump(mode="json")
    answer = await worker.post(f"/statements/{statement_id}/open", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def end(worker: httpx2.AsyncClient, statement_id: str, **fields: Any) -> int:
    body = {"attempt": 1, "state": "SUCCEEDED", **fields}
    answer = await worker.put(f"/statements/{statement_id}/end", json=body)
    return answer.status_code


async def read(api: httpx2.AsyncClient, statement_id: str) -> dict[str, Any]:
    return (await api.get(f"{PATH}/{statement_id}")).json()


async def state_of(api: httpx2.AsyncClient, statement_id: str) -> str:
    return (await read(api, statement_id))["status"]["state"]


async def test_a_small_answer_comes_with_the_request_that_waits(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> None:
    waiting = asyncio.create_task(
        send(api, statement="SELECT :a", wait_timeout="10s", parameters=[{"name": "a"}])
    )
    while not launcher.statements:
        await asyncio.sleep(0.01)
    statement_id = launcher.statements[0].statement_id
    work = await opened(worker, statement_id)
    assert work["body"] == {
        "text": "SELECT :a",
        "parameters": [{"name": "a", "value": None, "type": "STRING"}],
    }
    rows = {"chunks": [{"rows": 1, "bytes": 9}], "inline": '[["1.50"]]', "columns": COLUMNS}
    assert await end(worker, statement_id, **rows) == 200
    answer = await waiting
    assert answer["status"] == {"state": "SUCCEEDED"}
    assert answer["manifest"]["schema"]["columns"][0] == {
        "name": "a",
        "position": 0,
        "type_name": "DECIMAL",
        "type_text": "DECIMAL(3,2)",
        "type_precision": 3,
    }
    assert answer["result"] == {
        "chunk_index": 0,
        "row_offset": 0,
        "row_count": 1,
        "data_array": [["1.50"]],
    }


async def test_chunks_lead_from_one_to_the_next(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    sent = await send(api)
    statement_id = sent["statement_id"]
    assert sent == {"statement_id": statement_id, "status": {"state": "PENDING"}}
    await opened(worker, statement_id)
    assert await state_of(api, statement_id) == "RUNNING"
    early = await api.get(f"{PATH}/{statement_id}/result/chunks/0")
    assert early.status_code == 409
    for index, rows in enumerate((b'[["1"],["2"]]', b'[["3"]]')):
        await deps.objects.put(f"results/1/{statement_id}/1/{index}.json", rows)
    chunks = [{"rows": 2, "bytes": 13}, {"rows": 1, "bytes": 7}]
    await end(worker, statement_id, chunks=chunks, columns=COLUMNS)
    result = (await read(api, statement_id))["result"]
    assert result["data_array"] == [["1"], ["2"]]
    assert result["next_chunk_index"] == 1
    last = (await api.get(result["next_chunk_internal_link"])).json()
    assert last == {"chunk_index": 1, "row_offset": 2, "row_count": 1, "data_array": [["3"]]}
    assert (await api.get(f"{PATH}/{statement_id}/result/chunks/2")).status_code == 404


async def test_external_links_are_given_one_at_a_time(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    statement_id = (await send(api, disposition="EXTERNAL_LINKS", format="CSV"))["statement_id"]
    await opened(worker, statement_id)
    chunks = [{"rows": 2, "bytes": 13}, {"rows": 1, "bytes": 7}]
    await end(worker, statement_id, chunks=chunks, columns=COLUMNS)
    (link,) = (await read(api, statement_id))["result"]["external_links"]
    assert link["external_link"].endswith(f"/results/1/{statement_id}/1/0.csv")
    assert link["next_chunk_index"] == 1
    life = datetime.fromisoformat(link["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < life <= timedelta(minutes=15)


OWN = "/api/openlake/1.0/statements"
TYPED = [
    {"name": "n", "type_name": "LONG", "type_text": "BIGINT"},
    {"name": "n", "type_name": "STRING", "type_text": "STRING"},
    {"name": "at", "type_name": "TIMESTAMP", "type_text": "TIMESTAMP"},
    {"name": "d", "type_name": "DECIMAL", "type_text": "DECIMAL(5,2)", "precision": 5, "scale": 2},
    {"name": "l", "type_name": "ARRAY", "type_text": "ARRAY<INT>"},
]
FIRST = ["1", 'a "b", c', "2024-02-29T01:02:03.000Z", "1.50", "[1,2]"]
SECOND = [None, None, None, None, None]


async def linked(api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps) -> str:
    """Play a statement whose rows are two chunks that only links lead to."""
    statement_id = (await send(api, disposition="EXTERNAL_LINKS"))["statement_id"]
    await opened(worker, statement_id)
    for index, row in enumerate((FIRST, SECOND)):
        content = json.dumps([row]).encode()
        await deps.objects.put(f"results/1/{statement_id}/1/{index}.json", content)
    chunks = [{"rows": 1, "bytes": 60}, {"rows": 1, "bytes": 20}]
    await end(worker, statement_id, chunks=chunks, columns=TYPED)
    return statement_id


async def test_rows_behind_links_are_read_through_the_api(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    statement_id = await linked(api, worker, deps)
    chunks = [await api.get(f"{OWN}/{statement_id}/chunks/{index}") for index in (0, 1, 2)]
    assert [answer.json() for answer in chunks[:2]] == [[FIRST], [SECOND]]
    assert chunks[2].status_code == 404
    small = (await send(api))["statement_id"]
    assert (await api.get(f"{OWN}/{small}/chunks/0")).status_code == 409
    await opened(worker, small)
    await end(worker, small, chunks=[{"rows": 1, "bytes": 9}], inline='[["1"]]', columns=COLUMNS)
    assert (await api.get(f"{OWN}/{small}/chunks/0")).json() == [["1"]]


async def test_an_answer_is_downloaded_as_one_file(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    path = f"{OWN}/{await linked(api, worker, deps)}/download"
    text = await api.get(path)
    assert text.headers["content-disposition"].endswith('.csv"')
    lines = list(csv.reader(io.StringIO(text.text)))
    assert lines == [["n", "n", "at", "d", "l"], FIRST, ["", "", "", "", ""]]
    rows = (await api.get(path, params={"format": "json"})).json()
    assert rows[0] == {"n": 'a "b", c', "at": FIRST[2], "d": 1.5, "l": [1, 2]}
    assert rows[1]["n"] is None
    parquet = await api.get(path, params={"format": "parquet"})
    table: Any = pq.read_table(io.BytesIO(parquet.content))  # pyright: ignore
    at = datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)
    names = ("n", "n_2", "at", "d", "l")
    values = (1, 'a "b", c', at, Decimal("1.50"), "[1,2]")
    assert table.to_pylist() == [dict(zip(names, values, strict=True)), dict.fromkeys(names)]
    assert (await api.get(path, params={"format": "xls"})).status_code == 400


async def test_a_browser_waits_for_a_statement(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    statement_id = (await send(api))["statement_id"]
    now = await api.get(f"{OWN}/{statement_id}")
    assert now.json()["status"] == {"state": "PENDING"}
    await opened(worker, statement_id)
    waiting = asyncio.create_task(api.get(f"{OWN}/{statement_id}", params={"wait_s": 20}))
    await asyncio.sleep(0.05)
    await end(worker, statement_id, columns=COLUMNS)
    assert (await asyncio.wait_for(waiting, 5)).json()["status"] == {"state": "SUCCEEDED"}


async def test_an_empty_answer_has_no_chunks(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    statement_id = (await send(api))["statement_id"]
    await opened(worker, statement_id)
    await end(worker, statement_id, columns=COLUMNS)
    answer = await read(api, statement_id)
    assert answer["manifest"]["total_chunk_count"] == 0
    assert answer["result"] == {}


async def test_sql_that_fails_is_no_http_error(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    statement_id = (await send(api))["statement_id"]
    await opened(worker, statement_id)
    await end(worker, statement_id, state="FAILED", error_code="BAD_REQUEST", message="no table")
    assert (await read(api, statement_id))["status"] == {
        "state": "FAILED",
        "error": {"error_code": "BAD_REQUEST", "message": "no table"},
    }


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"wait_timeout": "3s"}, 400, "5s"),
        ({"wait_timeout": "51s"}, 400, "50s"),
        ({"format": "CSV"}, 400, "EXTERNAL_LINKS"),
        ({"warehouse_id": "0123456789abcdef"}, 404, "does not exist"),
        ({"branch": "run-1"}, 404, "no run"),
        ({"parameters": [{"name": "a", "value": "x", "type": "INT"}]}, 400, "'a' is a INT"),
        ({"parameters": [{"name": "a", "type": "ARRAY<INT>"}]}, 400, "no type"),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, 400, "twice"),
        ({"statement": ""}, 400, "at least 1"),
        ({"row_limit": 0}, 400, "row_limit"),
        ({"on_wait_timeout": "CANCEL"}, 400, "wait_timeout"),
        ({"nonsense": 1}, 400, "nonsense"),
    ],
)
async def test_a_bad_request_says_what_is_wrong(
    api: httpx2.AsyncClient, fields: dict[str, Any], status: int, part: str
) -> None:
    body = {"statement": "SELECT 1", "warehouse_id": "duckdb", "wait_timeout": "0s", **fields}
    answer = await api.post(PATH, json=body)
    assert answer.status_code == status, answer.text
    assert part.lower() in answer.json()["message"].lower()


async def test_a_statement_of_another_workspace_is_not_there(
    api: httpx2.AsyncClient, database: Database
) -> None:
    statement_id = (await send(api))["statement_id"]
    async with database.session() as session:
        row = await session.get_one(Statement, statement_id)
        copy = row.model_dump() | {"statement_id": "elsewhere", "workspace_id": 2}
        session.add(Workspace(workspace_id=2, name="other"))
        await session.flush()
        session.add(Statement(**copy))
    for path in ("elsewhere", "elsewhere/result/chunks/0", "nonsense"):
        assert (await api.get(f"{PATH}/{path}")).status_code == 404
    assert (await api.post(f"{PATH}/elsewhere/cancel", json={})).status_code == 404


async def test_an_idempotency_token_makes_one_statement(
    api: httpx2.AsyncClient, launcher: Recorder
) -> None:
    both = await asyncio.gather(*(send(api, idempotency_token="t") for _ in range(2)))
    again = await send(api, idempotency_token="t")
    assert len({each["statement_id"] for each in (*both, again)}) == 1


async def test_the_outbox_starts_what_a_dead_request_could_not(
    api: httpx2.AsyncClient, deps: Deps, database: Database, launcher: Recorder
) -> None:
    launcher.away = True
    statement_id = (await send(api))["statement_id"]
    while not launcher.refused:
        await asyncio.sleep(0.01)
    launcher.away = False
    async with database.session() as session:
        (row,) = (await session.exec(select(OutboxRow))).all()
        row.not_before = datetime.now(UTC)
        session.add(row)
    await relay_once(database, launcher, Metrics())
    assert [ref.statement_id for ref in launcher.statements] == [statement_id]
    async with database.read_session() as session:
        assert not (await session.exec(select(OutboxRow))).all()


async def test_only_the_newest_worker_is_believed(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient
) -> None:
    statement_id = (await send(api))["statement_id"]
    first = await opened(worker, statement_id)
    progress = {"attempt": 1, "handle": {"next_uri": "u"}, "engine_query_id": "q"}
    assert (
        await worker.put(f"/statements/{statement_id}/progress", json=progress)
    ).status_code == 200
    second = await opened(worker, statement_id)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert second["handle"] == {"next_uri": "u"}
    assert await end(worker, statement_id, state="FAILED", attempt=1) == 409
    late = await worker.post(f"/statements/{statement_id}/uploads", json={"attempt": 1, "index": 0})
    assert late.status_code == 409
    assert await end(worker, statement_id, attempt=2) == 200
    assert await end(worker, statement_id, attempt=2) == 200


async def test_a_cancelled_statement_is_not_taken_up_and_then_closed(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await send(api))["statement_id"]
    assert (await api.post(f"{PATH}/{statement_id}/cancel", json={})).json() == {}
    assert await state_of(api, statement_id) == "PENDING"
    body = ref_of(statement_id).model_dump(mode="json")
    refused = await worker.post(f"/statements/{statement_id}/open", json=body)
    assert refused.status_code == 409
    while not launcher.statement_cancels:
        await asyncio.sleep(0.01)
    assert await closing.close(deps, StatementClosing(ref=ref_of(statement_id), canceled=True))
    assert await state_of(api, statement_id) == "CANCELED"
    again = await api.post(f"{PATH}/{statement_id}/cancel", json={})
    assert again.status_code == 200


async def test_a_statement_under_way_is_closed_only_once_it_is_stopped(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    statement_id = (await send(api))["statement_id"]
    await opened(worker, statement_id)
    asked = StatementClosing(ref=ref_of(statement_id), reason="its worker died")
    assert not await closing.close(deps, asked)
    assert await closing.close(deps, asked.model_copy(update={"stopped": True}))
    status = (await read(api, statement_id))["status"]
    assert status["state"] == "FAILED"
    assert "not known" in status["error"]["message"]


async def test_statements_of_a_warehouse_that_was_stopped_are_cancelled(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    statement_id = (await send(api))["statement_id"]
    assert await closing.cancel_stranded(deps.database) == 0
    assert (await api.post("/api/2.0/sql/warehouses/duckdb/stop", json={})).status_code == 200
    assert await closing.cancel_stranded(deps.database) == 1
    assert await closing.cancel_stranded(deps.database) == 0
    async with deps.database.read_session() as session:
        row = await session.get_one(Statement, statement_id)
        assert row.cancel_asked_at is not None
        assert "was stopped" in row.message


async def test_rows_expire_and_the_statement_says_so(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    statement_id = (await send(api))["statement_id"]
    await opened(worker, statement_id)
    await deps.objects.put(f"results/1/{statement_id}/1/0.json", b'[["1"]]')
    await end(worker, statement_id, chunks=[{"rows": 1, "bytes": 7}], columns=COLUMNS)
    async with deps.database.session() as session:
        row = await session.get_one(Statement, statement_id)
        assert row.body is None
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        session.add(row)
    assert await closing.purge_expired(deps.database, deps.objects) == 1
    assert await deps.objects.keys(f"results/1/{statement_id}/") == []
    answer = await read(api, statement_id)
    assert answer["status"]["state"] == "CLOSED"
    assert "Send the statement again" in answer["status"]["error"]["message"]
    assert "result" not in answer
    assert (await api.get(f"{PATH}/{statement_id}/result/chunks/0")).status_code == 404


async def test_a_statement_without_a_workflow_is_ended(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    statement_id = (await send(api))["statement_id"]
    while not launcher.statements:
        await asyncio.sleep(0.01)
    async with deps.database.session() as session:
        row = await session.get_one(Statement, statement_id)
        row.created_at = datetime.now(UTC) - timedelta(hours=1)
        session.add(row)
    assert await closing.close_forgotten(deps, launcher) == 0
    launcher.statements.clear()
    assert await closing.close_forgotten(deps, launcher) == 1
    assert await state_of(api, statement_id) == "FAILED"


@pytest.mark.parametrize(
    ("kind", "value", "spelled"),
    [
        ("INT", " 5 ", "5"),
        ("LONG", "-9223372036854775808", "-9223372036854775808"),
        ("DECIMAL(10,2)", "1e2", "100"),
        ("BOOLEAN", "TRUE", "true"),
        ("DATE", "2024-02-29", "2024-02-29"),
        ("TIMESTAMP", "2024-02-29T01:02:03Z", "2024-02-29 01:02:03.000000+00:00"),
        ("TIMESTAMP_NTZ", "2024-02-29 01:02:03", "2024-02-29 01:02:03.000000"),
        ("string", "it's", "it's"),
    ],
)
def test_values_of_parameters_are_spelled_one_way(kind: str, value: str, spelled: str) -> None:
    assert check_parameter(Parameter(name="a", value=value, type=kind)).value == spelled


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("TINYINT", "128"),
        ("INT", "1.5"),
        ("DECIMAL(3,2)", "10"),
        ("DATE", "2024-02-30"),
        ("BOOLEAN", "yes"),
        ("DECIMAL(39,0)", "1"),
        ("BINARY", "x"),
        ("INT(3)", "1"),
    ],
)
def test_values_that_are_not_of_their_type_are_refused(kind: str, value: str) -> None:
    with pytest.raises(Invalid):
        check_parameter(Parameter(name="a", value=value, type=kind))


def test_the_activity_is_as_workflows_call_it() -> None:
    implemented = closing.StatementCloser.close_statement
    wanted, given = get_type_hints(ports.close_statement), get_type_hints(implemented)
    assert wanted == given
    key = "__temporal_activity_definition"
    assert getattr(implemented, key).name == getattr(ports.close_statement, key).name


async def test_a_statement_of_which_temporal_has_still_to_be_told_is_not_ended(
    api: httpx2.AsyncClient, deps: Deps, launcher: Recorder
) -> None:
    """Temporal was away for long; the relay comes to the statement sooner or later."""
    statement_id = (await send(api))["statement_id"]
    while not launcher.statements:
        await asyncio.sleep(0.01)
    launcher.statements.clear()
    async with deps.database.session() as session:
        row = await session.get_one(Statement, statement_id)
        row.created_at = datetime.now(UTC) - timedelta(hours=1)
        session.add(row)
        session.add(
            OutboxRow(
                kind=OutboxKind.START.value,
                statement_id=statement_id,
                tries=3,
                not_before=datetime.now(UTC),
            )
        )
    assert await closing.close_forgotten(deps, launcher) == 0
