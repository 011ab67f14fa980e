"""A real catalog (PostgreSQL, MinIO, Nessie) and a gateway process in front of it."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pytest
from pydantic import SecretStr
from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.catalog import load_catalog

from control import migrate
from control.config import Ports, Settings
from control.db import Database
from control.gateway.identity import Identity
from control.gateway.tokens import AttemptClaims, PrincipalClaims, ServiceClaims, issue
from control.gateway.upstream import Catalog
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.parts import parts_of
from control.stack.progress import Silent
from control.stack.supervisor import Supervisor
from tests.control.postgres import free_port
from tests.gateway.make import KEY
from tests.gateway.opening import begin_attempt

ROWS = pa.table({"x": pa.array([1, 2, 3], pa.int64())})


@dataclass
class Gateway:
    """One gateway process, which a test may kill and start again."""

    layout: Layout
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/iceberg"

    @property
    def fault(self) -> Path:
        return self.folder / "fault"

    @property
    def held(self) -> Path:
        return self.folder / "held"

    def start(self) -> None:
        config = {
            "upstream": self.layout.nessie_url,
            "database_url": self.layout.postgres_url("openlake"),
            "signing_key": KEY,
            "upstream_key": self.layout.secret("nessie-key"),
            "port": self.port,
            "settle_interval_s": 0.2,
            "settle_after_s": 3,
        }
        file = self.folder / "config.json"
        file.write_text(json.dumps(config))
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.gateway.serve", str(file)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                if httpx2.get(self.url.replace("/iceberg", "/health")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            assert self.process.poll() is None, (self.folder / "gateway.log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the gateway does not become well"
            time.sleep(0.1)

    def wait_until_dead(self) -> None:
        assert self.process is not None
        self.process.wait(timeout=15)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=15)

    def client(self, claims: AttemptClaims | PrincipalClaims | ServiceClaims) -> httpx2.Client:
        """A plain HTTP client whose paths begin at the warehouse."""
        return httpx2.Client(
            base_url=f"{self.url}/v1/lakehouse",
            headers={"Authorization": f"Bearer {issue(KEY, claims)}"},
            timeout=60,
        )

    def pyiceberg(self, claims: AttemptClaims | PrincipalClaims) -> IcebergCatalog:
        s3 = self.layout.s3("lakehouse")
        return load_catalog(
            "lakehouse",
            **{
                "type": "rest",
                "uri": self.url,
                "warehouse": "lakehouse",
                "token": issue(KEY, claims),
                "s3.endpoint": s3.endpoint,
                "s3.access-key-id": s3.access_key,
                "s3.secret-access-key": s3.secret_key,
                "s3.region": s3.region,
            },
        )


@pytest.fixture(scope="session")
def layout() -> Iterator[Layout]:
    """A stack of PostgreSQL, MinIO and Nessie with a migrated database."""
    # Not pytest's own folder: PostgreSQL runs as another user, who must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="openlake-gateway-"))
    folder.chmod(0o755)
    ports = Ports(**{name: free_port() for name in Ports.model_fields})
    layout = Layout(Settings(data_dir=folder, ports=ports))
    parts = parts_of(layout, only=["nessie"])
    install(layout, [tool for part in parts for tool in part.tools], Silent())
    supervisor = Supervisor(layout, parts, Silent())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(supervisor.down)
        supervisor.up()
        asyncio.run(migrate.upgrade(layout.postgres_url("openlake")))
        yield layout


@pytest.fixture(scope="session")
def _gateway_process(layout: Layout) -> Iterator[Gateway]:
    folder = layout.data_dir / "gateway-tests"
    folder.mkdir()
    gateway = Gateway(layout, folder)
    gateway.start()
    yield gateway
    gateway.stop()


@pytest.fixture
def gateway(_gateway_process: Gateway) -> Iterator[Gateway]:
    """The gateway, running and without faults at the beginning of each test."""
    gateway = _gateway_process
    gateway.fault.unlink(missing_ok=True)
    gateway.held.unlink(missing_ok=True)
    if gateway.process is None or gateway.process.poll() is not None:
        gateway.start()
    yield gateway
    gateway.fault.unlink(missing_ok=True)


@pytest.fixture
async def database(layout: Layout) -> AsyncIterator[Database]:
    database = Database.connect(layout.postgres_url("openlake"), pool_size=2)
    yield database
    await database.dispose()


@pytest.fixture
async def catalog(layout: Layout) -> AsyncIterator[Catalog]:
    """Nessie itself."""
    catalog = Catalog(
        layout.nessie_url,
        "lakehouse",
        identity=Identity(SecretStr(layout.secret("nessie-key"))),
        connect_timeout_s=3,
        timeout_s=30,
    )
    yield catalog
    await catalog.close()


_runs = iter(range(100, 100_000))


@pytest.fixture
def new_run() -> Callable[[], int]:
    """Gives out ids of runs that no other test uses."""
    return lambda: next(_runs) << 20


@pytest.fixture
def run_id(new_run: Callable[[], int]) -> int:
    """A run that no other test uses."""
    return new_run()


Opener = Callable[[AttemptClaims], Any]


@pytest.fixture
def opened(database: Database) -> Opener:
    """Open an attempt and give its claims back."""

    async def open_it(claims: AttemptClaims) -> AttemptClaims:
        await begin_attempt(database, claims, patience_s=20)
        return claims

    return open_it


@pytest.fixture
def duckdb_lake(gateway: Gateway) -> Callable[[AttemptClaims], Any]:
    """Open DuckDB on the catalog."""

    def connect(claims: AttemptClaims) -> Any:
        import duckdb
        import duckdb_ext

        s3 = gateway.layout.s3("lakehouse")
        folder = Path(duckdb_ext.__path__[0]) / "extensions" / f"v{duckdb.__version__}"
        connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for name in ("httpfs", "avro", "iceberg"):
            file = next(folder.glob(f"*/{name}.duckdb_extension"))
            connection.execute(f"LOAD '{file}'")
        connection.execute(
            f"CREATE SECRET s3 (TYPE s3, KEY_ID '{s3.access_key}', SECRET '{s3.secret_key}', "
            f"ENDPOINT '{s3.endpoint.removeprefix('http://')}', URL_STYLE 'path', USE_SSL false, "
            f"REGION '{s3.region}')"
        )
        connection.execute(f"CREATE SECRET catalog (TYPE iceberg, TOKEN '{issue(KEY, claims)}')")
        connection.execute(
            f"ATTACH 'lakehouse' AS lakehouse (TYPE iceberg, ENDPOINT '{gateway.url}', "
            "SECRET catalog, ACCESS_DELEGATION_MODE 'none')"
        )
        return connection

    return connect
