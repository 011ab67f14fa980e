"""Browsers are signed in by cookie: to several workspaces, for as long as their tokens are good."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest
import typer
from sqlmodel import select, update
from typer.testing import CliRunner

from control.app import create_app
from control.audit.tables import AuditEntry
from control.cli import web
from control.cli.client import Api
from control.console.tables import ConsoleSession, SignInCode
from control.db import Database
from control.deps import Deps
from control.description import operations
from control.openapi import openapi
from control.tokens.tables import Token
from tests.control.serving import serving
from tests.control.test_identity_tokens import bearer
from tests.control.test_workspaces import create

OWN = "/api/openlake/1.0"
SESSIONS = f"{OWN}/sessions"
JOBS = "/api/2.2/jobs/list"
HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def browser(deps: Deps) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that has opened the console."""
    transport = httpx2.ASGITransport(app=create_app(deps))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://api", headers=HERE
    ) as client:
        yield client


async def sign_in(browser: httpx2.AsyncClient, **given: Any) -> httpx2.Response:
    answer = await browser.post(SESSIONS, json=given)
    assert answer.status_code == 200, answer.text
    return answer


async def workspaces(browser: httpx2.AsyncClient) -> list[int]:
    sessions = (await browser.get(SESSIONS)).json()["sessions"]
    return [each["workspace_id"] for each in sessions]


async def test_a_browser_that_is_signed_in_needs_no_token(
    browser: httpx2.AsyncClient, token: str
) -> None:
    assert (await browser.get(JOBS)).status_code == 401
    answer = await sign_in(browser, token=token)
    assert answer.json() | {"expires_at": 0} == {
        "workspace_id": 1,
        "workspace_name": "main",
        "user_name": "admin@openlake.local",
        "display_name": "Administrator",
        "is_admin": True,
        "expires_at": 0,
    }
    assert (await browser.get(SESSIONS)).json() == {"sessions": [answer.json()]}
    assert (await browser.get(JOBS)).status_code == 200


async def test_every_service_knows_a_browser_that_is_signed_in(
    browser: httpx2.AsyncClient, token: str
) -> None:
    await sign_in(browser, token=token)
    for path, method, _ in operations(openapi()):
        # A stream that never ends is asked elsewhere.
        if method == "get" and not path.endswith(("/events", "/stream")):
            answer = await browser.get(re.sub("{.*?}", "1", path))
            assert answer.status_code != 401, path


async def test_scripts_cannot_read_the_cookie_and_other_sites_do_not_send_it(
    browser: httpx2.AsyncClient, token: str
) -> None:
    answer = await sign_in(browser, token=token)
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert (cookie.key, cookie["path"]) == ("openlake_session", "/")
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "strict", "")
    assert token not in answer.headers["set-cookie"] + answer.text


async def test_over_https_the_cookie_is_bound_to_its_host(deps: Deps, token: str) -> None:
    transport = httpx2.ASGITransport(app=create_app(deps))
    async with httpx2.AsyncClient(transport=transport, base_url="https://lake.example") as browser:
        answer = await browser.post(SESSIONS, json={"token": token})
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert (cookie.key, cookie["secure"]) == ("__Host-openlake_session", True)
        assert cookie["domain"] == ""
        assert (await browser.get(JOBS)).status_code == 200


async def test_stacks_on_other_ports_of_the_host_have_other_cookies(deps: Deps, token: str) -> None:
    transport = httpx2.ASGITransport(app=create_app(deps))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api:8780") as browser:
        answer = await browser.post(SESSIONS, json={"token": token})
        assert answer.headers["set-cookie"].startswith("openlake_session_8780=")


async def test_one_browser_is_signed_in_to_several_workspaces(
    browser: httpx2.AsyncClient, token: str
) -> None:
    await sign_in(browser, token=token)
    other = await create(browser_with(browser, token), name="other")
    await sign_in(browser, token=other["token_value"])
    number = other["workspace_id"]
    assert await workspaces(browser) == [1, number]
    several = await browser.get(JOBS)
    assert several.status_code == 400 and "X-Databricks-Org-Id" in several.json()["message"]

    async def who(**request: Any) -> str:
        return (await browser.get("/api/2.0/preview/scim/v2/Me", **request)).json()["id"]

    named = [await who(headers={"X-Databricks-Org-Id": str(each)}) for each in (1, number)]
    linked = [await who(params={"o": each}) for each in (1, number)]
    assert named == linked and len(set(named)) == 2
    assert (await browser.get(JOBS, params={"o": 77})).status_code == 401
    assert (await browser.get(JOBS, params={"o": "x"})).status_code == 400


def browser_with(browser: httpx2.AsyncClient, token: str) -> httpx2.AsyncClient:
    """A client beside the browser, with a token."""
    return httpx2.AsyncClient(
        transport=browser._transport, base_url="http://api", headers=bearer(token)
    )


async def test_the_workspace_of_a_link_is_known_to_every_operation(
    api: httpx2.AsyncClient,
) -> None:
    for path in (JOBS, "/api/2.2/jobs/runs/list", "/api/2.0/sql/history/queries"):
        answer = await api.get(path, params={"o": "1", "page_token": ""})
        assert answer.status_code == 200, answer.text


WRITES: list[tuple[dict[str, str], bool]] = [
    ({"Sec-Fetch-Site": "same-origin", "X-Databricks-Org-Id": "1"}, True),
    ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Site": "same-site", "X-Databricks-Org-Id": "1"}, False),
    ({"Sec-Fetch-Site": "cross-site", "X-Databricks-Org-Id": "1"}, False),
    ({"Sec-Fetch-Site": "none", "X-Databricks-Org-Id": "1"}, False),
    ({"Origin": "http://api", "X-Databricks-Org-Id": "1"}, True),
    ({"Origin": "http://evil.example", "X-Databricks-Org-Id": "1"}, False),
    ({"Origin": "null", "X-Databricks-Org-Id": "1"}, False),
    ({"X-Databricks-Org-Id": "1"}, False),
    (
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://api", "X-Databricks-Org-Id": "1"},
        False,
    ),
]
"""What a request shows beside the cookie, and whether it may change things."""


async def test_only_pages_of_this_server_may_change_things_by_cookie(
    browser: httpx2.AsyncClient, token: str
) -> None:
    await sign_in(browser, token=token)
    del browser.headers["Sec-Fetch-Site"]
    for number, (headers, is_own) in enumerate(WRITES):
        scope = {"scope": f"s{number}"}
        answer = await browser.post("/api/2.0/secrets/scopes/create", json=scope, headers=headers)
        assert answer.status_code == (200 if is_own else 403), (headers, answer.text)
        if not is_own:
            assert answer.json()["error_code"] == "PERMISSION_DENIED"
            assert "Authorization" in answer.json()["message"]


async def test_a_workspace_in_the_address_lets_nobody_change_things(
    browser: httpx2.AsyncClient, token: str
) -> None:
    await sign_in(browser, token=token)
    path = "/api/2.0/secrets/scopes/create?o=1"
    assert (await browser.post(path, json={"scope": "s"})).status_code == 403


async def test_other_sites_cannot_sign_a_person_in(browser: httpx2.AsyncClient, token: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = await browser.post(SESSIONS, json={"token": token}, headers=headers)
        assert answer.status_code == (403 if "Sec-Fetch-Site" in headers else 200)
    del browser.headers["Sec-Fetch-Site"]
    headers = {"Origin": "http://evil.example"}
    answer = await browser.post(SESSIONS, json={"token": token}, headers=headers)
    assert answer.status_code == 403


async def test_signing_in_gives_another_cookie_so_that_none_can_be_planted(
    browser: httpx2.AsyncClient, token: str, database: Database
) -> None:
    await sign_in(browser, token=token)
    planted = browser.cookies["openlake_session"]
    await sign_in(browser, token=token)
    assert browser.cookies["openlake_session"] != planted
    browser.cookies.clear()
    browser.cookies.set("openlake_session", planted)
    assert (await browser.get(JOBS)).status_code == 401
    async with database.read_session() as session:
        (row,) = (await session.exec(select(ConsoleSession))).all()
    assert planted not in row.model_dump_json() and token not in row.model_dump_json()


async def test_signing_out_ends_one_session_at_once(
    browser: httpx2.AsyncClient, token: str
) -> None:
    await sign_in(browser, token=token)
    other = await create(browser_with(browser, token), name="other")
    await sign_in(browser, token=other["token_value"])
    kept = browser.cookies["openlake_session"]
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await browser.delete(f"{SESSIONS}/1", headers=foreign)).status_code == 403
    assert (await browser.delete(f"{SESSIONS}/1")).status_code == 200
    assert await workspaces(browser) == [other["workspace_id"]]
    assert (await browser.get(JOBS, params={"o": 1})).status_code == 401
    assert (await browser.delete(f"{SESSIONS}/1")).status_code == 404
    assert (await browser.delete(f"{SESSIONS}/{other['workspace_id']}")).status_code == 200
    assert "openlake_session" not in browser.cookies
    browser.cookies.set("openlake_session", kept)
    assert (await browser.get(JOBS)).status_code == 401


async def test_a_session_dies_with_its_token(
    browser: httpx2.AsyncClient, token: str, database: Database, deps: Deps
) -> None:
    await sign_in(browser, token=token)
    for end in ("revoked_at", "expires_at"):
        assert (await browser.get(JOBS)).status_code == 200
        await _set_token(database, deps, **{end: datetime.now(UTC)})
        assert (await browser.get(JOBS)).status_code == 401
        assert (await browser.get(SESSIONS)).json() == {"sessions": []}
        await _set_token(database, deps, **{end: None})


async def _set_token(database: Database, deps: Deps, **values: datetime | None) -> None:
    async with database.session() as session:
        await session.exec(update(Token).values(values))
    deps.authenticator.forget()


async def test_a_session_ends_after_two_weeks_and_is_forgotten(
    browser: httpx2.AsyncClient, token: str, database: Database, deps: Deps
) -> None:
    await sign_in(browser, token=token)
    async with database.session() as session:
        row = (await session.exec(select(ConsoleSession))).one()
        left = row.expires_at - datetime.now(UTC)
        assert timedelta(days=13) < left <= timedelta(days=14)
        row.expires_at = datetime.now(UTC)
        session.add(row)
    deps.authenticator.forget()
    assert (await browser.get(JOBS)).status_code == 401
    await sign_in(browser, token=token)
    async with database.read_session() as session:
        assert len((await session.exec(select(ConsoleSession))).all()) == 1


async def test_a_code_signs_in_once(
    browser: httpx2.AsyncClient, token: str, database: Database
) -> None:
    made = (await browser_with(browser, token).post(f"{SESSIONS}/codes")).json()
    await sign_in(browser, code=made["code"])
    assert await workspaces(browser) == [1]
    again = await browser.post(SESSIONS, json={"code": made["code"]})
    assert again.status_code == 401 and "openlake console" in again.json()["message"]
    own = {"X-Databricks-Org-Id": "1"}
    by_cookie = await browser.post(f"{SESSIONS}/codes", headers=own)
    assert by_cookie.status_code == 400, by_cookie.text


async def test_a_code_is_good_for_a_minute(
    browser: httpx2.AsyncClient, token: str, database: Database
) -> None:
    made = (await browser_with(browser, token).post(f"{SESSIONS}/codes")).json()
    async with database.session() as session:
        row = (await session.exec(select(SignInCode))).one()
        assert row.expires_at - datetime.now(UTC) <= timedelta(seconds=60)
        assert made["code"] not in row.model_dump_json()
        row.expires_at = datetime.now(UTC)
        session.add(row)
    assert (await browser.post(SESSIONS, json={"code": made["code"]})).status_code == 401


async def test_failed_sign_ins_of_an_address_are_limited(
    browser: httpx2.AsyncClient, token: str
) -> None:
    for _ in range(12):
        await sign_in(browser, token=token)
    failed = [await browser.post(SESSIONS, json={"token": "x"}) for _ in range(11)]
    assert [answer.status_code for answer in failed] == [401] * 10 + [429]
    assert (await browser.post(SESSIONS, json={"token": token})).status_code == 429
    assert (await browser.get(JOBS)).status_code == 200


async def test_sign_ins_and_sign_outs_are_audited(
    browser: httpx2.AsyncClient, token: str, database: Database
) -> None:
    await sign_in(browser, token=token)
    await browser.delete(f"{SESSIONS}/1")
    async with database.read_session() as session:
        query = select(AuditEntry).where(AuditEntry.object_type == "session")
        rows = (await session.exec(query)).all()
    assert [row.action for row in rows] == ["session.created", "session.deleted"]
    assert {row.actor for row in rows} == {"admin@openlake.local"}
    assert all(row.request_id for row in rows)


async def test_the_command_line_makes_a_link_that_signs_in(
    deps: Deps, token: str, browser: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command()(web.web_console)
    opened: list[str] = []
    monkeypatch.setattr(web.webbrowser, "open", lambda url: opened.append(url) or True)
    monkeypatch.setenv("DISPLAY", ":0")
    async with serving(deps) as url:
        api = Api(url, token)
        monkeypatch.setattr(web, "connect", lambda: api)

        async def typed(*words: str) -> str:
            return (await asyncio.to_thread(CliRunner().invoke, app, list(words))).stdout

        shown = json.loads(await typed("--output", "json"))["url"]
        printed = (await typed("--no-browser")).split()[-1]
        said = await typed()
        api.close()
    assert said == f"Opened {url} in your browser.\n"
    for link in (shown, printed, *opened):
        page, _, code = link.partition("#code=")
        assert page == f"{url}/login"
        await sign_in(browser, code=code)
