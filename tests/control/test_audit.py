"""The audit trail can be asked who did what, when, to which object, by which request."""

from datetime import datetime
from typing import Any

import httpx2

from control.db import Database
from tests.control.make import create_job
from tests.control.test_identity import make, token_of
from tests.control.test_identity_tokens import bearer

AUDIT = "/api/openlake/1.0/audit"


async def actions(api: httpx2.AsyncClient, **query: Any) -> list[str]:
    """Return the deeds that a query finds, newest first."""
    answer = await api.get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    return [each["action"] for each in answer.json()["entries"]]


async def test_entries_are_found_by_what_is_known_of_them(
    api: httpx2.AsyncClient, database: Database
) -> None:
    await make(api, "Users", userName="ana")
    ana = bearer(await token_of(database, "ana"))
    job_id = await create_job(api)
    change = {"job_id": job_id, "new_settings": {"name": "b"}}
    sent = await api.post("/api/2.2/jobs/update", json=change)
    await api.post("/api/2.0/token/create", json={}, headers=ana)
    assert await actions(api) == ["token.created", "job.updated", "job.created", "user.created"]
    assert await actions(api, actor="ana") == ["token.created"]
    assert await actions(api, action="job.created") == ["job.created"]
    assert await actions(api, action="job.*") == ["job.updated", "job.created"]
    assert await actions(api, object_type="job", object_id=job_id) == ["job.updated", "job.created"]
    assert await actions(api, request_id=sent.headers["X-Request-Id"]) == ["job.updated"]
    entries = (await api.get(AUDIT)).json()["entries"]
    at = [int(datetime.fromisoformat(each["at"]).timestamp() * 1000) for each in entries]
    late = await actions(api, since=at[2])
    early = await actions(api, until=at[2])
    assert "job.updated" in late and "job.updated" not in early
    assert sorted(late + early) == sorted(each["action"] for each in entries)
    assert await actions(api, since=at[0] + 1000) == []
    assert (await api.get(AUDIT, headers=ana)).status_code == 403
    assert (await api.get(AUDIT, params={"since": 10**18})).status_code == 400
