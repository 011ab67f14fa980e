"""What attempts leave for people: kept without secrets, and a notebook drawn as a page."""

import io
import json
import tarfile
from typing import Any

import httpx2
import pytest

from control.artifacts import notebook
from control.artifacts.service import redacted
from control.db import Database
from control.secrets.redaction import Redactor
from spec.errors import Invalid
from tests.control.conftest import Recorder
from tests.control.make import create_job, put_file, python_task, run_now
from tests.control.test_evidence import started as start
from tests.control.test_internal import open_attempt, ref


def book(*sources: str, output: str = "") -> bytes:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": 1,
            "metadata": {},
            "source": source,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": output}],
        }
        for source in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()


def archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
async def ran(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, database: Database, launcher: Recorder
) -> int:
    """A run of one notebook task whose attempt is open."""
    await put_file(database, "/jobs/main.py")
    await put_file(database, "/jobs/sales.ipynb", b"{}")
    task = {"task_key": "n", "notebook_task": {"notebook_path": "/jobs/sales.ipynb"}}
    play = await start(api, launcher, database, tasks=[task])
    assert (await open_attempt(worker, ref(play.state.plan, 1, "n"))).status_code == 200
    return play.state.plan.run_id


async def export(api: httpx2.AsyncClient, run_id: int, **query: Any) -> httpx2.Response:
    return await api.get("/api/2.2/jobs/runs/export", params={"run_id": run_id, **query})


async def test_a_notebook_is_exported_as_a_page(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, ran: int
) -> None:
    early = await export(api, ran + 1)
    assert (early.status_code, early.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    content = archive(notebook_ipynb=book("total = 1 + 1", output="<b>two</b>"))
    answer = await worker.put(f"/attempts/{ran + 1}/artifacts", content=content)
    assert answer.status_code == 200, answer.text
    for run_id in (ran, ran + 1):
        (view,) = (await export(api, run_id)).json()["views"]
        assert (view["name"], view["type"]) == ("sales.ipynb", "NOTEBOOK")
        page = view["content"]
        assert page.startswith("<!DOCTYPE html>") and "total" in page
        # What the cell printed is text, not part of the page.
        assert "&lt;b&gt;two&lt;/b&gt;" in page
        assert "default-src 'none'" in page
    assert (await export(api, ran, views_to_export="DASHBOARDS")).json() == {"views": []}
    got = await api.get(f"/api/openlake/1.0/task-runs/{ran + 1}/artifacts")
    assert got.content == content


async def test_only_notebooks_are_exported(
    api: httpx2.AsyncClient, database: Database, ran: int, launcher: Recorder
) -> None:
    other = await start(api, launcher, database)
    answer = await export(api, other.state.plan.run_id + 1)
    assert answer.status_code == 400
    assert "not the run of a notebook task" in answer.json()["message"]
    both = await run_now(api, await create_job(api, tasks=[python_task("a"), python_task("b")]))
    assert (await export(api, both)).status_code == 400


async def test_what_is_too_large_is_refused_with_its_limit(
    api: httpx2.AsyncClient,
    worker: httpx2.AsyncClient,
    ran: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook, "MOST_BYTES", 1000)
    content = archive(notebook_ipynb=book("x = 1", output="y" * 1000))
    await worker.put(f"/attempts/{ran + 1}/artifacts", content=content)
    answer = await export(api, ran + 1)
    assert answer.status_code == 400 and "more than 1000 bytes" in answer.json()["message"]
    monkeypatch.setattr("control.artifacts.service.MOST_ARTIFACT_BYTES", 10)
    answer = await worker.put(f"/attempts/{ran + 1}/artifacts", content=content)
    assert answer.status_code == 400 and "at most 10 bytes" in answer.json()["message"]


def test_secrets_are_taken_out_of_every_file() -> None:
    packed = archive(notebook_ipynb=book("token = 'hunter22'"), run_log=b"said hunter22\n")
    with tarfile.open(fileobj=io.BytesIO(redacted(packed, Redactor([b"hunter22"])))) as tar:
        texts = [tar.extractfile(member).read() for member in tar]  # pyright: ignore[reportOptionalMemberAccess]
    assert len(texts) == 2 and not any(b"hunter22" in text for text in texts)
    assert texts[1] == b"said [REDACTED]\n"


@pytest.mark.parametrize(
    "content", [b"", b"no archive", archive(other_txt=b"x")[:40]], ids=["empty", "other", "cut"]
)
def test_what_is_no_archive_is_not_kept_where_secrets_are(content: bytes) -> None:
    with pytest.raises((OSError, tarfile.TarError, EOFError)):
        redacted(content, Redactor([b"hunter22"]))


def test_what_is_no_notebook_is_said_to_be_none() -> None:
    for content in (b"{}", b"[]", b"\xff", b'{"nbformat": 4, "cells": 3}'):
        with pytest.raises(Invalid, match="no notebook"):
            notebook.page(content, "x")
