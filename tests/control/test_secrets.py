"""Secrets: sealed, permitted, given to running attempts alone, and hidden in what these write."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.errors.platform import ResourceAlreadyExists, ResourceDoesNotExist
from databricks.sdk.service.workspace import AclPermission
from sqlmodel import select

from control.app import create_app
from control.audit.tables import AuditEntry
from control.db import Database
from control.deps import Deps
from control.gateway import attempts as fence
from control.logs import service as logs
from control.runs.tables import Run, TaskOutput
from control.secrets import reading, service
from control.secrets.tables import AttemptSecret, Secret
from control.tokens import service as tokens
from control.workspaces.tables import Principal
from spec.errors import Invalid
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.serving import serving
from tests.control.test_internal import open_attempt, ref
from tests.control.test_sdk import call

SECRETS = "/api/2.0/secrets"


@pytest.fixture
async def sdk(deps: Deps, token: str) -> AsyncIterator[WorkspaceClient]:
    async with serving(deps) as url:
        yield await call(WorkspaceClient, host=url, token=token)


async def user(deps: Deps, name: str) -> httpx2.AsyncClient:
    """Make a user of the first workspace and return a client with a token of theirs."""
    async with deps.database.session() as session:
        principal = Principal(workspace_id=1, user_name=name)
        session.add(principal)
        await session.flush()
        token = await tokens.issue(session, principal, "")
    transport = httpx2.ASGITransport(app=create_app(deps))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx2.AsyncClient(transport=transport, base_url="http://api", headers=headers)


async def post(client: httpx2.AsyncClient, path: str, **body: Any) -> tuple[int, str]:
    answer = await client.post(f"{SECRETS}/{path}", json=body)
    return answer.status_code, answer.json().get("error_code", "")


async def get(client: httpx2.AsyncClient, path: str, **query: Any) -> tuple[int, Any]:
    answer = await client.get(f"{SECRETS}/{path}", params=query)
    return answer.status_code, answer.json()


async def test_the_sdk_manages_scopes_secrets_and_permissions(sdk: WorkspaceClient) -> None:
    await call(sdk.secrets.create_scope, "db")
    with pytest.raises(ResourceAlreadyExists):
        await call(sdk.secrets.create_scope, "db")
    await call(sdk.secrets.put_secret, "db", "user", string_value="scott")
    encoded = base64.b64encode(b"\xff\x00tiger").decode()
    await call(sdk.secrets.put_secret, "db", "password", bytes_value=encoded)
    found = await call(lambda: list(sdk.secrets.list_secrets("db")))
    assert [each.key for each in found] == ["password", "user"]
    assert all((each.last_updated_timestamp or 0) > 1_700_000_000_000 for each in found)
    assert [s.name for s in await call(lambda: list(sdk.secrets.list_scopes()))] == ["db"]
    remote = await call(lambda: sdk.dbutils.secrets.listScopes())
    assert [each.name for each in remote] == ["db"]

    await call(sdk.secrets.put_acl, "db", "users", AclPermission.READ)
    acls = await call(lambda: list(sdk.secrets.list_acls("db")))
    assert [(each.principal, each.permission) for each in acls] == [
        ("admin@openlake.local", AclPermission.MANAGE),
        ("users", AclPermission.READ),
    ]
    acl = await call(sdk.secrets.get_acl, "db", "users")
    assert acl.permission is AclPermission.READ
    await call(sdk.secrets.delete_acl, "db", "users")
    with pytest.raises(ResourceDoesNotExist):
        await call(sdk.secrets.get_acl, "db", "users")

    await call(sdk.secrets.delete_secret, "db", "user")
    with pytest.raises(ResourceDoesNotExist):
        await call(sdk.secrets.delete_secret, "db", "user")
    await call(sdk.secrets.delete_scope, "db")
    with pytest.raises(ResourceDoesNotExist):
        await call(lambda: list(sdk.secrets.list_secrets("db")))


async def test_a_person_is_never_given_a_value(sdk: WorkspaceClient) -> None:
    await call(sdk.secrets.create_scope, "db")
    await call(sdk.secrets.put_secret, "db", "password", string_value="tiger")
    with pytest.raises(BadRequest, match="running tasks only"):
        await call(sdk.secrets.get_secret, "db", "password")


async def test_values_are_sealed_for_their_row(api: httpx2.AsyncClient, database: Database) -> None:
    await post(api, "scopes/create", scope="db")
    for key in ("a", "b"):
        assert await post(api, "put", scope="db", key=key, string_value="tiger") == (200, "")
    async with database.read_session() as session:
        rows = (await session.exec(select(Secret))).all()
    assert len({row.sealed for row in rows}) == 2
    assert all("tiger" not in row.sealed and row.sealed.startswith("v1.") for row in rows)


async def test_what_breaks_a_rule_is_refused(
    api: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (400, "INVALID_PARAMETER_VALUE")
    malformed = (400, "MALFORMED_REQUEST")
    assert await post(api, "scopes/create", scope="a b") == bad
    assert await post(api, "scopes/create", scope="x" * 129) == bad
    assert await post(api, "scopes/create", scope="x", initial_manage_principal="me") == bad
    assert await post(api, "scopes/create", scope="x", scope_backend_type="AZURE_KEYVAULT") == bad
    assert await post(api, "scopes/create", scope="x" * 128) == (200, "")
    assert await post(api, "scopes/create", scope="db") == (200, "")
    assert await post(api, "put", scope="db", key="k/k", string_value="v") == bad
    assert await post(api, "put", scope="db", key="k") == malformed
    assert await post(api, "put", scope="db", key="k", string_value="v", bytes_value="dg==") == (
        malformed
    )
    assert await post(api, "put", scope="db", key="k", bytes_value="no base64") == malformed
    assert await post(api, "put", scope="db", key="k", string_value="x" * (128 * 1024 + 1)) == bad
    assert await post(api, "put", scope="db", key="k", string_value="ä" * 64 * 1024) == (200, "")
    missing = (404, "RESOURCE_DOES_NOT_EXIST")
    assert await post(api, "put", scope="no", key="k", string_value="v") == missing
    assert await post(api, "acls/put", scope="db", principal="nobody", permission="READ") == bad
    assert await post(api, "acls/put", scope="db", principal="users", permission="ALL") == bad
    assert await post(api, "acls/delete", scope="db", principal="users") == missing
    monkeypatch.setattr(service, "MOST_SECRETS", 1)
    full = (400, "RESOURCE_LIMIT_EXCEEDED")
    assert await post(api, "put", scope="db", key="l", string_value="v") == full
    assert await post(api, "put", scope="db", key="k", string_value="v") == (200, "")
    monkeypatch.setattr(service, "MOST_SCOPES", 2)
    assert await post(api, "scopes/create", scope="more") == full


@pytest.mark.parametrize(
    ("permission", "may"),
    [(None, set[str]()), ("READ", {"r"}), ("WRITE", {"r", "w"}), ("MANAGE", {"r", "w", "m"})],
)
async def test_permissions_are_enforced(
    api: httpx2.AsyncClient, deps: Deps, permission: str | None, may: set[str]
) -> None:
    await post(api, "scopes/create", scope="db")
    await post(api, "put", scope="db", key="k", string_value="v")
    async with await user(deps, "eve") as eve:
        if permission:
            await post(api, "acls/put", scope="db", principal="eve", permission=permission)

        def expected(needs: str) -> tuple[int, str]:
            return (200, "") if needs in may else (403, "PERMISSION_DENIED")

        def short(answer: tuple[int, Any]) -> tuple[int, str]:
            return answer[0], answer[1].get("error_code", "")

        names = [s["name"] for s in (await get(eve, "scopes/list"))[1]["scopes"]]
        assert names == (["db"] if "r" in may else [])
        assert short(await get(eve, "list", scope="db")) == expected("r")
        assert await post(eve, "put", scope="db", key="x", string_value="v") == expected("w")
        assert await post(eve, "delete", scope="db", key="k") == expected("w")
        assert short(await get(eve, "acls/list", scope="db")) == expected("m")
        assert short(await get(eve, "acls/get", scope="db", principal="eve")) == expected("m")
        given = {"scope": "db", "principal": "users", "permission": "READ"}
        assert await post(eve, "acls/put", **given) == expected("m")
        assert await post(eve, "scopes/delete", scope="db") == expected("m")


async def test_a_scope_may_be_everybodys(deps: Deps, token: str) -> None:
    async with await user(deps, "ann") as ann, await user(deps, "eve") as eve:
        body = {"scope": "all", "initial_manage_principal": "users"}
        assert await post(ann, "scopes/create", **body) == (200, "")
        assert await post(ann, "scopes/create", scope="own") == (200, "")
        assert (await get(eve, "acls/list", scope="all"))[1] == {
            "items": [{"principal": "users", "permission": "MANAGE"}]
        }
        assert (await get(eve, "list", scope="own"))[0] == 403
        assert (await get(ann, "list", scope="own"))[0] == 200


async def test_deeds_are_written_down_without_values(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await post(api, "scopes/create", scope="db")
    await post(api, "put", scope="db", key="k", string_value="tiger")
    await post(api, "acls/put", scope="db", principal="users", permission="READ")
    await post(api, "acls/delete", scope="db", principal="users")
    await post(api, "delete", scope="db", key="k")
    await post(api, "scopes/delete", scope="db")
    async with database.read_session() as session:
        rows = (await session.exec(select(AuditEntry).order_by("audit_id"))).all()
    assert [(row.action, row.object_id) for row in rows] == [
        ("secret_scope.created", "db"),
        ("secret.put", "db/k"),
        ("secret_acl.put", "db"),
        ("secret_acl.deleted", "db"),
        ("secret.deleted", "db/k"),
        ("secret_scope.deleted", "db"),
    ]
    assert "tiger" not in str([row.model_dump() for row in rows])


class Attempt:
    """An open attempt of a job, and a client with its token."""

    def __init__(self, work: dict[str, Any], client: httpx2.AsyncClient) -> None:
        self.id: int = work["ref"]["task_run_id"]
        self.run_id: int = work["ref"]["run_id"]
        self.catalog_token: str = work["catalog"]["token"]
        self.client = client


@pytest.fixture
async def attempt(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    database: Database,
    deps: Deps,
    launcher: Recorder,
) -> AsyncIterator[Attempt]:
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    await post(api, "scopes/create", scope="db")
    await post(api, "put", scope="db", key="password", string_value="tiger-tiger")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=create_app(deps)),
        base_url="http://api",
        headers={"Authorization": f"Bearer {work['api_token']}"},
    ) as client:
        yield Attempt(work, client)


async def test_an_open_attempt_reads_secrets_and_nothing_else(
    attempt: Attempt, database: Database
) -> None:
    answer = await get(attempt.client, "get", scope="db", key="password")
    value = base64.b64encode(b"tiger-tiger").decode()
    assert answer == (200, {"key": "password", "value": value})
    assert (await get(attempt.client, "list", scope="db"))[1]["secrets"][0]["key"] == "password"
    assert (await get(attempt.client, "scopes/list"))[1]["scopes"][0]["name"] == "db"
    assert (await get(attempt.client, "get", scope="db", key="no"))[0] == 404
    assert (await post(attempt.client, "put", scope="db", key="x", string_value="v"))[0] == 401
    assert (await attempt.client.get("/api/2.2/jobs/list")).status_code == 401
    for _ in range(2):
        await get(attempt.client, "get", scope="db", key="password")
    async with database.read_session() as session:
        rows = await session.exec(select(AuditEntry).where(AuditEntry.action == "secret.read"))
        read = rows.one()
    assert read.object_id == "db/password"
    assert read.details == {"task_run_id": str(attempt.id)}


async def test_the_token_dies_with_the_attempt(attempt: Attempt, database: Database) -> None:
    async with database.session() as session:
        await fence.close_attempt(session, attempt.id, "over")
    status, body = await get(attempt.client, "get", scope="db", key="password")
    assert (status, body["error_code"]) == (403, "PERMISSION_DENIED")
    assert f"attempt {attempt.id} is over" in body["message"]


async def test_the_catalog_token_reads_no_secrets(attempt: Attempt) -> None:
    attempt.client.headers["Authorization"] = f"Bearer {attempt.catalog_token}"
    assert (await get(attempt.client, "get", scope="db", key="password"))[0] == 401


async def test_an_attempt_has_the_rights_of_its_runs_user(
    attempt: Attempt, api: httpx2.AsyncClient, deps: Deps
) -> None:
    async with deps.database.session() as session:
        session.add(Principal(workspace_id=1, user_name="eve"))
        (await session.get_one(Run, attempt.run_id)).run_as = "eve"
    assert (await get(attempt.client, "get", scope="db", key="password"))[0] == 403
    await post(api, "acls/put", scope="db", principal="eve", permission="READ")
    assert (await get(attempt.client, "get", scope="db", key="password"))[0] == 200


async def test_logs_are_redacted_across_chunks(
    attempt: Attempt, worker: httpx2.AsyncClient, api: httpx2.AsyncClient, deps: Deps
) -> None:
    await get(attempt.client, "get", scope="db", key="password")
    # Whatever becomes of the secret, the attempt knows what it was.
    await post(api, "put", scope="db", key="password", string_value="another")
    raw = b"one tiger-tiger two tig" + b"er-tiger three ti"

    async def send(offset: int, stop: int, **query: Any) -> int:
        answer = await worker.put(
            f"/attempts/{attempt.id}/logs",
            params={"offset": offset, **query},
            content=raw[offset:stop],
        )
        return answer.json()["size"]

    assert await send(0, 23) == 20
    assert await send(0, 23) == 20
    assert await send(20, 35) == 35
    assert await send(35, len(raw)) == len(raw) - 2
    assert (await worker.get(f"/attempts/{attempt.id}/logs")).json() == {"size": len(raw) - 2}
    assert await send(len(raw) - 2, len(raw), final="true") == len(raw)
    kept = b"one [REDACTED] two [REDACTED] three ti"
    assert (await logs.tail(deps, attempt.id, 1000)) == (kept.decode(), False)
    assert await logs.size(deps, attempt.id) == len(kept)


async def test_logs_of_attempts_without_secrets_are_kept_to_the_byte(
    attempt: Attempt, worker: httpx2.AsyncClient, deps: Deps
) -> None:
    path = f"/attempts/{attempt.id}/logs"
    answer = await worker.put(path, params={"offset": 0}, content=b"tiger-tiger\xff t")
    assert answer.json() == {"size": 14}
    wanted = await logs.spans(deps, attempt.id, 0, None)
    assert b"".join([part async for part in logs.read(deps, wanted)]) == b"tiger-tiger\xff t"


async def test_a_log_has_an_end(
    attempt: Attempt,
    worker: httpx2.AsyncClient,
    deps: Deps,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "MOST_LOG_BYTES", 20)
    path = f"/attempts/{attempt.id}/logs"
    for offset in range(0, 50, 10):
        answer = await worker.put(path, params={"offset": offset}, content=b"123456789\n")
        assert answer.json() == {"size": offset + 10}
    text, _ = await logs.tail(deps, attempt.id, 1000)
    assert text == "123456789\n" * 2 + (
        "\n[OpenLake] The log ends here: of one task 20 bytes are kept.\n"
    )


async def test_outputs_errors_lineage_and_messages_are_redacted(
    attempt: Attempt, worker: httpx2.AsyncClient, database: Database
) -> None:
    await get(attempt.client, "get", scope="db", key="password")
    output = {
        "error": "ValueError: tiger-tiger",
        "error_trace": "…dGlnZXItdGlnZXI=…cut off: tiger-ti",
        "notebook_result": "tiger-tiger",
        "sql": {"columns": ["c"], "rows": [["x tiger-tiger"]], "types": ["STRING"]},
        "values": {"k": {"v": ["tiger-tiger"]}},
    }
    answer = await worker.put(f"/attempts/{attempt.id}/output", json=output)
    assert answer.status_code == 200
    answer = await worker.post(f"/attempts/{attempt.id}/redact", json={"text": "a tiger-tiger"})
    assert answer.json() == {"text": "a [REDACTED]"}
    async with database.read_session() as session:
        row = await session.get_one(TaskOutput, attempt.id)
    assert "tiger" not in str(row.output) and "dGlnZXIt" not in str(row.output)
    assert row.output["values"] == {"k": {"v": ["[REDACTED]"]}}


async def test_a_result_that_is_too_large_is_refused(
    attempt: Attempt, worker: httpx2.AsyncClient
) -> None:
    output = {"notebook_result": "x" * (5 * 1024 * 1024 + 1)}
    answer = await worker.put(f"/attempts/{attempt.id}/output", json=output)
    assert answer.status_code == 400
    assert "has at most 5242880 bytes" in answer.json()["message"]


async def test_references_in_settings_are_resolved_for_the_attempt(
    attempt: Attempt, deps: Deps, api: httpx2.AsyncClient
) -> None:
    async with deps.database.read_session() as session:
        run = await session.get_one(Run, attempt.run_id)
    conf = {"spark.pw": "{{secrets/db/password}}", "url": "x:{{ secrets/db/password }}@y", "n": "1"}
    assert await reading.resolve(deps, run, attempt.id, conf) == {
        "spark.pw": "tiger-tiger",
        "url": "x:tiger-tiger@y",
        "n": "1",
    }
    async with deps.database.read_session() as session:
        given = (await session.exec(select(AttemptSecret))).all()
        assert [row.key for row in given] == ["password"]
        assert (await reading.redactor_of(deps, session, attempt.id)).text("tiger-tiger") == (
            "[REDACTED]"
        )
    # What it was given once it has, whatever becomes of the secret: it may be opened again.
    await post(api, "delete", scope="db", key="password")
    again = await reading.resolve(deps, run, attempt.id, conf)
    assert again["spark.pw"] == "tiger-tiger"
    with pytest.raises(Invalid, match="'k' refers to the secret db/no: Secret does not exist"):
        await reading.resolve(deps, run, attempt.id, {"k": "{{secrets/db/no}}"})
    value = base64.b64encode(b"\xff").decode()
    await post(api, "put", scope="db", key="bin", bytes_value=value)
    with pytest.raises(Invalid, match="db/bin: its value is not UTF-8 text"):
        await reading.resolve(deps, run, attempt.id, {"k": "{{secrets/db/bin}}"})


async def test_spark_settings_and_variables_hold_secrets_for_the_attempt_alone(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> None:
    await put_file(database, "/jobs/main.py")
    await post(api, "scopes/create", scope="db")
    await post(api, "put", scope="db", key="password", string_value="tiger-tiger")
    cluster = {
        "spark_conf": {"spark.hadoop.pw": "{{secrets/db/password}}"},
        "spark_env_vars": {"PW": "{{secrets/db/password}}"},
    }
    job_id = await create_job(api, tasks=[python_task(new_cluster=cluster)])
    run_id = await run_now(api, job_id)
    work = (await open_attempt(worker, ref(launcher.plans[run_id]))).json()
    assert work["compute"]["spark_conf"] == {"spark.hadoop.pw": "tiger-tiger"}
    assert work["compute"]["environment"] == {"PW": "tiger-tiger"}
    run = (await api.get("/api/2.2/jobs/runs/get", params={"run_id": run_id})).text
    assert "tiger" not in run and "{{secrets/db/password}}" in run
    path = f"/attempts/{work['ref']['task_run_id']}/redact"
    answer = await worker.post(path, json={"text": "tiger-tiger"})
    assert answer.json() == {"text": "[REDACTED]"}
