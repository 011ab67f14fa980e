"""Makes jobs, files and runs for tests."""

from typing import Any

import httpx2

from control.auth import Caller, caller_of
from control.db import Database
from control.files import store
from control.files.tables import FileKind, WorkspaceFile
from control.tokens import service as tokens
from control.workspaces.making import join
from control.workspaces.tables import Principal


async def put_file(
    database: Database, path: str, content: bytes = b"print(1)\n", **fields: Any
) -> str:
    """Put a file into workspace 1, without its folders; return its SHA-256."""
    async with database.session() as session:
        sha256 = await store.put_blob(session, content)
        values = {"kind": FileKind.FILE.value, "size": len(content), **fields}
        session.add(WorkspaceFile(workspace_id=1, path=path, sha256=sha256, **values))
    return sha256


def python_task(key: str = "a", *after: str, **fields: Any) -> dict[str, Any]:
    """A Python task that runs /jobs/main.py."""
    return {
        "task_key": key,
        "spark_python_task": {"python_file": "/jobs/main.py"},
        "depends_on": [{"task_key": k} for k in after],
        **fields,
    }


def settings(**fields: Any) -> dict[str, Any]:
    """A job of one Python task."""
    return {"name": "flights", "tasks": [python_task()], **fields}


async def create_job(api: httpx2.AsyncClient, version: str = "2.2", **fields: Any) -> int:
    """Create a job over the API."""
    answer = await api.post(f"/api/{version}/jobs/create", json=settings(**fields))
    assert answer.status_code == 200, answer.text
    return answer.json()["job_id"]


async def run_now(api: httpx2.AsyncClient, job_id: int, **fields: Any) -> int:
    """Run a job over the API."""
    answer = await api.post("/api/2.2/jobs/run-now", json={"job_id": job_id, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["run_id"]


async def get_run(api: httpx2.AsyncClient, run_id: int) -> dict[str, Any]:
    """Read a run over the API."""
    answer = await api.get("/api/2.2/jobs/runs/get", params={"run_id": run_id})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def make_user(database: Database, name: str, *groups: str, workspace_id: int = 1) -> Caller:
    """Make a plain user of a workspace, in these groups besides; return them as a caller."""
    async with database.session() as session:
        user = Principal(workspace_id=workspace_id, user_name=name, display_name=name)
        session.add(user)
        await session.flush()
        for group in groups:
            await join(session, workspace_id, group, user)
        await session.flush()
        return await caller_of(session, user)


async def make_token(database: Database, caller: Caller) -> str:
    """Make an access token for a user."""
    async with database.session() as session:
        principal = await session.get_one(Principal, caller.principal_id)
        return await tokens.issue(session, principal, "test")
