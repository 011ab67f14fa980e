"""The API serves the console's pages, with headers that let nothing else run on its address."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from control.app import create_app
from control.console.pages import API_PLACES
from control.console.settings import ConsoleSettings
from control.deps import Deps
from control.openapi import FOLDER

INDEX = "<!doctype html><div id=root></div>"
SCRIPT = "export const answer = 42;\n" * 50


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A console that `make ui` has built."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "openlake.svg").write_text("<svg/>")
    (folder / "assets/app-1a2b.js").write_text(SCRIPT)
    (folder / "assets/app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "assets/link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
async def site(deps: Deps, built: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Nobody's browser at a server with pages."""
    app = create_app(replace(deps, console=ConsoleSettings(pages=built, version="1.2.3")))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


PAGES = ("/", "/jobs/7/runs/8?o=1", "/catalog/lakehouse.sales.orders", "/sql/queries/x", "/apis")


async def test_every_address_that_is_no_api_is_a_page(site: httpx2.AsyncClient) -> None:
    for path in PAGES:
        answer = await site.get(path)
        assert (answer.status_code, answer.text) == (200, INDEX)
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await site.head(path)).headers["content-length"] == str(len(INDEX))


async def test_what_no_api_serves_is_not_found_there(site: httpx2.AsyncClient) -> None:
    for path in ("/api/2.2/nothing", "/api", "/internal/1.0/x", "/health/x", "/.well-known/x"):
        answer = await site.get(path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


async def test_pages_are_only_read(site: httpx2.AsyncClient) -> None:
    answer = await site.post("/jobs")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_every_path_of_the_api_is_kept_from_the_pages() -> None:
    document = json.loads((FOLDER / "openapi.json").read_text())
    first = {path.split("/")[1] for path in document["paths"]}
    assert first <= set(API_PLACES)


async def test_assets_are_kept_for_ever_and_sent_packed(site: httpx2.AsyncClient) -> None:
    plain = await site.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
    packed = await site.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "br, gzip"})
    assert plain.text == packed.text == SCRIPT
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    for answer in (plain, packed):
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
    assert (await site.get("/openlake.svg")).headers["cache-control"] == "no-cache"


ABSENT = (
    "gone-1.js",
    "link.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "..%2f..%2fsecret.txt",
    "x" * 5000,
    "a%00b",
    "",
)


async def test_there_are_no_files_but_those_of_the_folder(site: httpx2.AsyncClient) -> None:
    for name in ABSENT:
        answer = await site.get(f"/assets/{name}")
        assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"


async def test_a_path_out_of_the_folder_is_a_page_like_any_other(site: httpx2.AsyncClient) -> None:
    for path in ("/%2e%2e/secret.txt", "//etc/passwd", "/..%2fsecret.txt"):
        answer = await site.get(path)
        assert "secret" not in answer.text and "root:" not in answer.text
        assert answer.status_code in (200, 404)


async def test_without_a_build_the_page_says_how_to_make_one(deps: Deps, tmp_path: Path) -> None:
    app = create_app(replace(deps, console=ConsoleSettings(pages=tmp_path / "none")))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as site:
        answer = await site.get("/")
    assert answer.status_code == 503 and "make ui" in answer.text


async def test_what_the_api_hands_out_runs_no_script_on_the_consoles_address(
    api: httpx2.AsyncClient,
) -> None:
    answer = await api.get("/api/2.2/jobs/list")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    docs = await api.get("/api/docs")
    assert docs.headers["content-security-policy"] == "sandbox allow-scripts allow-popups"


async def test_everybody_may_read_what_the_stack_is(site: httpx2.AsyncClient) -> None:
    assert (await site.get("/api/openlake/1.0/console/settings")).json() == {
        "version": "1.2.3",
        "temporal_ui_url": None,
        "temporal_namespace": "default",
    }
