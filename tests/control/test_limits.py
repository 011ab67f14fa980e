"""How often and how much a client may ask."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from control.app import create_app
from control.deps import Deps
from control.limits import Buckets, Limits

JOBS = "/api/2.2/jobs/list"


@pytest.fixture
async def limited(deps: Deps, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    few = Limits(requests_per_s=0.5, burst_requests=5, body_bytes=2_000)
    transport = httpx2.ASGITransport(app=create_app(replace(deps, limits=few)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        client.headers["Authorization"] = f"Bearer {token}"
        # The first request of a process is slow, and meanwhile the bucket would fill again.
        await client.get("/health")
        yield client


async def test_a_token_that_asks_too_often_is_told_when_to_come_back(
    limited: httpx2.AsyncClient,
) -> None:
    answers = [await limited.get(JOBS) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["4", "3", "2", "1", *"000"]
    assert answers[0].headers["X-RateLimit-Limit"] == "5"
    refused = answers[-1]
    assert refused.json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    # Others are not held up by it, and health is asked for by nobody in particular.
    assert (await limited.get(JOBS, headers={"Authorization": "Bearer x"})).status_code == 401
    assert (await limited.get("/health")).status_code == 200


def test_a_bucket_fills_again_with_time() -> None:
    clock = itertools.count(step=1.0)
    buckets = Buckets(rate=0.5, burst=1, clock=lambda: next(clock))
    assert [buckets.take("a") >= 0 for _ in range(5)] == [True, False, True, False, True]


async def test_a_body_that_is_too_large_is_refused(limited: httpx2.AsyncClient) -> None:
    """By its announced length as well as by what comes without one."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 1_000

    bodies: list[Any] = [b"x" * 2_001, chunks()]
    for body in bodies:
        answer = await limited.post("/api/2.2/jobs/create", content=body)
        assert answer.status_code == 413, answer.text
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert (await limited.post("/api/2.2/jobs/create", content=b"x")).status_code == 400


async def test_what_cannot_be_stored_is_refused(api: httpx2.AsyncClient) -> None:
    for name in (r"a\u0000b", r"\ud800"):
        body = '{"name": "NAME", "tasks": []}'.replace("NAME", name)
        answer = await api.post("/api/2.2/jobs/create", content=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    answer = await api.post("/api/2.2/jobs/create", content=r'{"\ud800": 1}')
    assert answer.status_code == 400
    for number in (2**63, -(10**30)):
        answer = await api.get("/api/2.2/jobs/get", params={"job_id": number})
        assert answer.status_code in (400, 404), answer.text
