"""The real PostgreSQL, MinIO, Temporal and Nessie: up, hurt, mended, down."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import httpx2
import psutil
import psycopg2
import pytest
from minio import Minio
from minio.error import S3Error
from pydantic import SecretStr

from control.config import Settings
from control.gateway.identity import Identity
from control.stack.environment import settings_environment
from control.stack.install import install
from control.stack.layout import Database, Layout, S3Access
from control.stack.parts import parts_of
from control.stack.progress import Silent
from control.stack.supervisor import Supervisor
from tests.stack.conftest import free_ports
from tests.stack.toys import identity_of, send

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

LOOPBACKS = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
SERVERS = ["postgres", "minio", "temporal", "nessie"]


@pytest.fixture(scope="module")
def running(stack_dir: Path) -> Iterator[Layout]:
    layout = Layout(Settings(data_dir=stack_dir / "data", ports=free_ports()))
    parts = parts_of(layout, only=SERVERS)
    install(layout, [tool for part in parts for tool in part.tools], Silent())
    try:
        supervisor(layout).up()
        yield layout
    finally:
        supervisor(layout).down()
    assert survivors(layout) == []


def ask_nessie(layout: Layout, url: str) -> Any:
    """Read from Nessie, which lets nobody in but the holder of the gateway's key."""
    assert httpx2.get(url).status_code == 401
    key = Identity(SecretStr(layout.secret("nessie-key")))
    return httpx2.get(url, headers=key.headers()).raise_for_status().json()


def nessie_history(layout: Layout) -> Any:
    """Main's commits."""
    return ask_nessie(layout, f"{layout.nessie_url}/api/v2/trees/main/history")


def supervisor(layout: Layout) -> Supervisor:
    return Supervisor(layout, parts_of(layout, only=SERVERS), Silent())


def survivors(layout: Layout) -> list[str]:
    """Processes that name the data folder, or work in it."""
    folder = str(layout.data_dir)
    found: list[str] = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if process.pid != os.getpid() and any(word.startswith(folder) for word in words):
            found.append(" ".join(words))
    return found


def openlake(layout: Layout, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "control.cli", *words],
        env={**os.environ, **settings_environment(layout)},
        capture_output=True,
        text=True,
        check=False,
    )


def client(access: S3Access) -> Minio:
    return Minio(
        access.endpoint.removeprefix("http://"),
        access.access_key,
        access.secret_key,
        secure=False,
        region=access.region,
    )


@pytest.mark.parametrize("database", get_args(Database))
def test_each_database_takes_its_own_role_and_no_other(running: Layout, database: Database) -> None:
    with closing(psycopg2.connect(running.postgres_url(database, ""))) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE mine (a int); DROP TABLE mine; SHOW fsync")
            assert cursor.fetchone() == ("on",)
    other = "nessie" if database != "nessie" else "mlflow"
    stranger = running.postgres_url(database, "").replace(f"/{database}", f"/{other}", 1)
    stranger = stranger[: stranger.rindex("/")] + f"/{other}"
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(stranger).close()


def test_postgres_wants_a_password(running: Layout) -> None:
    port = running.settings.ports.postgres
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()


def test_keys_reach_only_what_is_theirs(running: Layout) -> None:
    store = running.settings.object_store
    lakehouse, mlflow = client(running.s3("lakehouse")), client(running.s3("mlflow"))
    lakehouse.put_object(store.lakehouse_bucket, "a", io.BytesIO(b"1"), 1)
    mlflow.put_object(store.bucket, "mlflow/a", io.BytesIO(b"1"), 1)
    for stranger, bucket, key in (
        (lakehouse, store.bucket, "mlflow/a"),
        (mlflow, store.bucket, "logs/a"),
        (mlflow, store.lakehouse_bucket, "a"),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            stranger.put_object(bucket, key, io.BytesIO(b"2"), 1)


def test_main_has_a_commit_so_that_branches_have_an_ancestor(running: Layout) -> None:
    history = nessie_history(running)
    assert len(history["logEntries"]) == 1
    config = ask_nessie(running, f"{running.nessie_url}/iceberg/v1/config")
    assert config["defaults"]["warehouse"] + "/" == running.lakehouse_location


def test_temporal_keeps_executions_and_knows_our_attributes(running: Layout) -> None:
    ui = f"{running.temporal_ui_url}/api/v1"
    namespace = httpx2.get(f"{ui}/namespaces/default").json()
    assert namespace["config"]["workflowExecutionRetentionTtl"] == f"{90 * 86400}s"
    attributes = httpx2.get(f"{ui}/namespaces/default/search-attributes").json()
    assert {"OpenlakeJob", "OpenlakeRun", "OpenlakeState"} <= set(attributes["customAttributes"])


def test_everything_listens_on_loopback_only(running: Layout) -> None:
    for part in parts_of(running, only=SERVERS):
        process = psutil.Process(identity_of(part).pid)
        for connection in process.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in LOOPBACKS, part.name


def test_data_is_closed_to_other_users(running: Layout) -> None:
    for folder in running.data_dir.iterdir():
        if folder.name != "postgres":
            assert folder.stat().st_mode & 0o077 == 0, folder
    assert (running.data_dir / "postgres" / "data").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("name", SERVERS)
def test_up_mends_a_server(running: Layout, name: str, number: signal.Signals) -> None:
    (part,) = [part for part in parts_of(running, only=[name]) if part.name == name]
    with closing(psycopg2.connect(running.postgres_url("openlake", ""))):  # a backend under way
        hurt = send(part, number)
        started = supervisor(running).up()
    assert name in started
    assert not hurt.alive()
    assert {status.state for status in supervisor(running).status()} == {"up"}


def test_up_twice_is_quick_and_starts_nothing(running: Layout) -> None:
    supervisor(running).up()
    began = time.monotonic()
    assert supervisor(running).up() == []
    assert time.monotonic() - began < 5


def test_status_and_doctor_speak_json(running: Layout) -> None:
    rows = {
        row["name"]: row for row in json.loads(openlake(running, "status", "-o", "json").stdout)
    }
    assert all(rows[name]["state"] == "up" and rows[name]["memory_bytes"] for name in SERVERS)
    assert rows["api"]["state"] == "down"
    report = json.loads(openlake(running, "doctor", "-o", "json").stdout)
    assert {finding["subject"] for finding in report["machine"]} >= {"Python", "disk", "packages"}
    assert report["isolation"]


def test_data_survives_down_and_up(running: Layout) -> None:
    supervisor(running).down()
    assert survivors(running) == []
    supervisor(running).up()
    history = nessie_history(running)
    assert len(history["logEntries"]) == 1
