"""`openlake secrets` against the API on a real port."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from control.cli import secrets
from control.cli.client import Api
from control.deps import Deps
from control.secrets.tables import Secret
from spec.errors import Invalid
from tests.control.serving import serving

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
async def run(deps: Deps, token: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    async with serving(deps) as url:
        api = Api(url, token)
        monkeypatch.setattr(secrets, "connect", lambda: api)

        async def invoke(*words: str, given: bytes | None = None) -> Result:
            return await asyncio.to_thread(
                CliRunner().invoke, secrets.app, list(words), input=given
            )

        yield invoke
        api._http.close()


async def value(deps: Deps, key: str) -> bytes:
    async with deps.database.read_session() as session:
        row = (await session.exec(select(Secret).where(Secret.key == key))).one()
    return deps.sealer.unseal(row.sealed, table="secrets", row=f"{row.scope_id}/{key}")


async def test_scopes_secrets_and_permissions(run: Run, deps: Deps, tmp_path: Path) -> None:
    assert "✓ scope db created" in (await run("create-scope", "db")).stdout
    await run("create-scope", "all", "--everybody")
    assert (await run("list-scopes")).stdout.split() == ["all", "db"]
    (tmp_path / "pem").write_bytes(b"a\nb\n")
    await run("put", "db", "piped", given=b"tiger\n")
    await run("put", "db", "given", "--string-value", "tiger")
    await run("put", "db", "whole", "--file", str(tmp_path / "pem"))
    assert [await value(deps, key) for key in ("piped", "given", "whole")] == [
        b"tiger",
        b"tiger",
        b"a\nb\n",
    ]
    listed = json.loads((await run("list", "db", "--output", "json")).stdout)
    assert [each["key"] for each in listed] == ["given", "piped", "whole"]
    assert (await run("put-acl", "db", "users", "READ")).exit_code == 0
    acls = json.loads((await run("list-acls", "db", "-o", "json")).stdout)
    assert {"principal": "users", "permission": "READ"} in acls
    assert (await run("get-acl", "db", "users")).stdout.strip() == "READ"
    assert (await run("delete-acl", "db", "users")).exit_code == 0
    assert isinstance((await run("get-acl", "db", "users")).exception, Exception)
    assert "piped deleted" in (await run("delete", "db", "piped")).stdout
    assert json.loads((await run("delete-scope", "db", "-o", "json")).stdout) == {"scope": "db"}
    assert json.loads((await run("list-scopes", "-o", "json")).stdout) == [
        {"name": "all", "backend_type": "DATABRICKS"}
    ]


async def test_two_values_are_refused(run: Run, tmp_path: Path) -> None:
    answer = await run("put", "db", "k", "--string-value", "x", "--file", str(tmp_path / "f"))
    assert isinstance(answer.exception, Invalid)
