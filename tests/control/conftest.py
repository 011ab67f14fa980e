"""One migrated PostgreSQL a session; an API with fakes for Temporal and the object store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import make_url
from starlette.types import Lifespan

from control import app as api_app
from control import migrate
from control.app import create_app
from control.auth import Caller, caller_of
from control.db import Database
from control.deps import Deps
from control.gateway.upstream import Catalog
from control.hub import Hub
from control.internal.access import AttemptAccess
from control.sealing import Sealer
from control.tokens import service as tokens
from spec.attempts import StorageAccess
from spec.errors import Unavailable
from spec.ids import backfill_workflow_id, trigger_workflow_id
from spec.plans import RunPlan
from spec.statements import StatementRef
from tests.control.file_store import MemoryFiles
from tests.control.postgres import postgres
from tests.control.storing import FixedStorage, FolderObjects


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the database is no quick test."""
    for item in items:
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.integration)


WORKER_TOKEN = "worker-token-of-the-tests"  # not a secret
SEALING_KEY = "5ea1" * 16
SIGNING_KEY = "a-signing-key-of-the-tests-that-is-long-enough"


@dataclass
class Recorder:
    """A launcher that remembers what it was told, as Temporal would."""

    plans: dict[int, RunPlan] = field(default_factory=dict)
    """The plan of each run's newest execution."""
    starts: list[int] = field(default_factory=list)
    cancels: list[tuple[int, str]] = field(default_factory=list)
    task_cancels: list[tuple[str, int]] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    """The workflow ids of triggers and backfills that were told to look again."""
    statements: list[StatementRef] = field(default_factory=list)
    """The statements that were started, as often as they were."""
    statement_cancels: list[str] = field(default_factory=list)
    away: bool = False
    refused: int = 0
    """How often it was away when it was asked."""
    ended: list[tuple[str, str]] = field(default_factory=list)
    """Workflows that somebody ended from outside."""

    async def ended_from_outside(self, since: datetime) -> list[tuple[str, str]]:
        """Return what a test says was ended so."""
        await self.check()
        return self.ended

    async def start(self, plan: RunPlan) -> bool:
        """Remember a start; refuse the second one of a run."""
        await self.check()
        self.starts.append(plan.run_id)
        known = self.plans.get(plan.run_id)
        if known is not None and known.execution >= plan.execution:
            return False
        self.plans[plan.run_id] = plan
        return True

    async def cancel(self, plan: RunPlan, by: str) -> None:
        """Remember a cancel."""
        await self.check()
        self.cancels.append((plan.run_id, by))

    async def cancel_task(self, workflow: str, task_run_id: int, by: str) -> None:
        """Remember which workflow was to stop which task run."""
        await self.check()
        self.task_cancels.append((workflow, task_run_id))

    async def wake_trigger(self, workspace_id: int, job_id: int) -> None:
        """Remember whose trigger was woken."""
        await self.check()
        self.woken.append(trigger_workflow_id(job_id))

    async def wake_backfill(self, workspace_id: int, backfill_id: int) -> None:
        """Remember which backfill was woken."""
        await self.check()
        self.woken.append(backfill_workflow_id(backfill_id))

    async def start_statement(self, ref: StatementRef) -> bool:
        """Remember a start; refuse the second one of a statement."""
        await self.check()
        self.statements.append(ref)
        return self.statements.count(ref) == 1

    async def cancel_statement(self, ref: StatementRef) -> None:
        """Remember a cancel."""
        await self.check()
        self.statement_cancels.append(ref.statement_id)

    async def is_statement_alive(self, statement_id: str) -> bool:
        """Say so of every statement that was started."""
        await self.check()
        return any(ref.statement_id == statement_id for ref in self.statements)

    async def check(self) -> None:
        """Fail while away."""
        if self.away:
            self.refused += 1
            raise Unavailable("Temporal does not answer")


@pytest.fixture(scope="session", autouse=True)
def routes_made_once() -> Iterator[None]:
    """Let the apps of all tests share their routes, which take half a second to prepare."""
    make, first = api_app.create_routes, api_app.create_routes()

    def share(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
        app = make(lifespan)
        app.router.routes[:] = first.router.routes
        return app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api_app, "create_routes", share)
        yield


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server with a migrated template database."""
    with postgres() as url:
        asyncio.run(_template(url))
        yield url


async def _template(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE template_openlake")
    await connection.close()
    await migrate.upgrade(_named(url, "template_openlake"))


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture
async def database_url(server_url: str) -> AsyncIterator[str]:
    """A fresh database of the newest schema; what a test commits is its own."""
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_openlake")
    yield _named(server_url, name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database as services see it."""
    database = Database.connect(database_url)
    yield database
    await database.dispose()


@pytest.fixture
async def token(database: Database) -> str:
    """The first token of the first workspace."""
    async with database.session() as session:
        return await tokens.bootstrap(session)


@pytest.fixture
async def caller(database: Database, token: str) -> Caller:
    """The principal behind the token."""
    async with database.session() as session:
        found = await tokens.find(session, token)
        assert found is not None
        return await caller_of(session, found[0])


@pytest.fixture
def launcher() -> Recorder:
    """Temporal's stand-in."""
    return Recorder()


@pytest.fixture
async def deps(
    database: Database, database_url: str, launcher: Recorder, tmp_path: Path
) -> AsyncIterator[Deps]:
    """The API's collaborators."""
    access = AttemptAccess(
        catalog_uri="http://gateway/iceberg",
        signing_key=SIGNING_KEY,
        storage=FixedStorage(
            StorageAccess(endpoint="http://s3", region="r", access_key="a", secret_key="s")
        ),
    )
    hub = Hub(database_url)
    await hub.start()
    yield Deps(
        database=database,
        launcher=launcher,
        objects=FolderObjects(tmp_path / "objects"),
        files=MemoryFiles(),
        hub=hub,
        catalog=Catalog("http://catalog", "lakehouse"),
        access=access,
        sealer=Sealer.of(SEALING_KEY),
        worker_token=WORKER_TOKEN,
    )
    await hub.stop()


@pytest.fixture
async def anonymous(deps: Deps) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the API, in this process, without a token."""
    transport = httpx2.ASGITransport(app=create_app(deps))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


@pytest.fixture
async def api(anonymous: httpx2.AsyncClient, token: str) -> httpx2.AsyncClient:
    """The same with a person's token."""
    anonymous.headers["Authorization"] = f"Bearer {token}"
    return anonymous


@pytest.fixture
async def worker(deps: Deps) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the worker token, at the internal API."""
    transport = httpx2.ASGITransport(app=create_app(deps))
    async with httpx2.AsyncClient(
        transport=transport,
        base_url="http://api/internal/1.0",
        headers={"Authorization": f"Bearer {WORKER_TOKEN}"},
    ) as client:
        yield client
