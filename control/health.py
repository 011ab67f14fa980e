"""`/health` and `/metrics`: what operators and `openlake doctor` ask; open to all on loopback."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, func, select

from control.deps import Deps
from control.http import DepsArg
from control.runs.store import ACTIVE
from control.runs.tables import OutboxRow, Run
from spec.errors import OpenLakeError

router = APIRouter(tags=["operations"])

_PATIENCE_S = 1.5


@router.get("/health")
async def read_health(deps: DepsArg) -> JSONResponse:
    """Say whether the API can work, and how each part it needs answers; 503 without a database."""

    async def database() -> None:
        async with deps.database.read_session() as session:
            await (await session.connection()).execute(text("SELECT 1"))

    names = ("database", "temporal", "object_store")
    checks = (database(), deps.launcher.check(), deps.objects.check())
    found = dict(zip(names, await asyncio.gather(*map(_answer, checks)), strict=True))
    usable = found["database"] == "ok"
    body = {"status": "ok" if usable else "unavailable", "parts": found}
    return JSONResponse(body, status_code=200 if usable else 503)


async def _answer(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check
    except OpenLakeError as error:
        return error.message
    except TimeoutError:
        return f"no answer within {_PATIENCE_S} s"
    except (SQLAlchemyError, OSError) as error:
        return str(error).splitlines()[0]
    return "ok"


@router.get("/metrics", response_class=PlainTextResponse)
async def read_metrics(deps: DepsArg) -> Response:
    """Return this process's metrics, and what the database counts, in Prometheus' text form."""
    with suppress(SQLAlchemyError, OSError):
        await _count(deps)
    return Response(generate_latest(deps.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _count(deps: Deps) -> None:
    async with deps.database.read_session() as session:
        counts = select(col(Run.life), func.count()).where(ACTIVE).group_by(col(Run.life))
        lives = dict((await session.exec(counts)).all())
        oldest = (await session.exec(select(func.min(OutboxRow.created_at)))).one()
    for life in ("QUEUED", "PENDING", "RUNNING", "TERMINATING"):
        deps.metrics.runs.labels(life).set(lives.get(life, 0))
    lag = (datetime.now(UTC) - oldest).total_seconds() if oldest is not None else 0.0
    deps.metrics.outbox_lag.set(max(0.0, lag))
