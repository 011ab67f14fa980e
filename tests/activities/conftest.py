"""A worker's configuration, an internal API in memory, and a real lakehouse for engines."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from activities.config import WorkerConfig
from control import migrate
from control.config import Ports, Settings
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.parts import parts_of
from control.stack.progress import Silent
from control.stack.supervisor import Supervisor
from tests.activities.fakes import FakeControl
from tests.activities.lake import Lake
from tests.control.postgres import free_port


@pytest.fixture
def config(tmp_path: Path) -> WorkerConfig:
    """A worker that takes work for lost, and kills, within seconds."""
    return WorkerConfig(
        control_url="http://127.0.0.1:1",
        worker_token="worker-token",
        host="here",
        folder=tmp_path / "attempts",
        lease_s=3,
        grace_s=0.5,
    )


@pytest.fixture
def control() -> FakeControl:
    """Knows no attempt yet."""
    return FakeControl()


@pytest.fixture(scope="session")
def _layout() -> Layout:
    # Not pytest's own folder: PostgreSQL runs as another user, who must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="openlake-activities-"))
    folder.chmod(0o755)
    ports = Ports(**{name: free_port() for name in Ports.model_fields})
    return Layout(Settings(data_dir=folder, ports=ports))


def _running(layout: Layout, part: str) -> Iterator[None]:
    parts = parts_of(layout, only=[part])
    install(layout, [tool for each in parts for tool in each.tools], Silent())
    supervisor = Supervisor(layout, parts, Silent())
    with ExitStack() as stack:
        stack.callback(supervisor.down)
        supervisor.up()
        yield


@pytest.fixture(scope="session")
def lake(_layout: Layout) -> Iterator[Lake]:
    """Object store, catalog and gateway, shared by the session's tests."""
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, _layout.data_dir, ignore_errors=True)
        database = _running(_layout, "postgres")
        next(database)
        stack.callback(next, database, None)
        asyncio.run(migrate.upgrade(_layout.postgres_url("openlake")))
        gateway = _running(_layout, "gateway")
        next(gateway)
        stack.callback(next, gateway, None)
        install(_layout, ["spark-jars", "dbt"], Silent())
        yield Lake(_layout)


@pytest.fixture(scope="session")
def connect(lake: Lake) -> Iterator[Lake]:
    """The same with a warm Spark Connect server."""
    running = _running(lake.layout, "spark-connect")
    next(running)
    yield lake
    next(running, None)


@pytest.fixture(scope="session")
def trino(lake: Lake) -> Iterator[Lake]:
    """The same with Trino."""
    running = _running(lake.layout, "trino")
    next(running)
    yield lake
    next(running, None)
