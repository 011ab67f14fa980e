"""Another S3 server in MinIO's place: the Versity gateway, over a plain folder."""

import io
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from minio import Minio
from pydantic import SecretStr

from control.config import ObjectStore, Settings
from control.gateway.identity import Identity
from control.stack.busy import is_free
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.parts import parts_of
from control.stack.progress import Silent
from control.stack.supervisor import Supervisor
from spec.errors import Unavailable
from tests.stack.conftest import free_ports

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

ACCESS, SECRET = "versity-key", "versity-secret-0123456789"


@pytest.fixture(scope="module")
def other_store(stack_dir: Path) -> Iterator[Layout]:
    """A stack whose object store is the settings' own."""
    ports = free_ports()
    store = ObjectStore.model_validate(
        {
            "endpoint": f"http://127.0.0.1:{ports.minio}",
            "access_key": ACCESS,
            "secret_key": SECRET,
        }
    )
    layout = Layout(Settings(data_dir=stack_dir / "data", ports=ports, object_store=store))
    install(layout, ["versitygw", *_tools(layout)], Silent())
    folder = stack_dir / "versity"
    folder.mkdir()
    argv = [
        *(layout.go_tool("versitygw"), "--port", f"127.0.0.1:{ports.minio}"),
        *("--access", ACCESS, "--secret", SECRET, "--region", store.region, "--quiet"),
        *("posix", folder),
    ]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as server:
        deadline = time.monotonic() + 20
        while is_free(ports.minio) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield layout
        _supervisor(layout).down()
        server.terminate()


def _tools(layout: Layout) -> list[str]:
    return [tool for part in parts_of(layout, only=["nessie"]) for tool in part.tools]


def _supervisor(layout: Layout) -> Supervisor:
    return Supervisor(layout, parts_of(layout, only=["nessie"]), Silent())


def test_up_makes_the_buckets_there_and_starts_no_minio(other_store: Layout) -> None:
    assert "minio" not in _supervisor(other_store).up()
    assert _supervisor(other_store).up() == []
    access = other_store.s3("lakehouse")
    client = Minio(
        access.endpoint.removeprefix("http://"), access.access_key, access.secret_key, secure=False
    )
    bucket = other_store.settings.object_store.lakehouse_bucket
    client.put_object(bucket, "a/b", io.BytesIO(b"data"), 4)
    assert [each.object_name for each in client.list_objects(bucket, recursive=True)] == ["a/b"]


def test_nessie_finds_its_warehouse_there(other_store: Layout) -> None:
    url = f"{other_store.nessie_url}/iceberg/v1/config"
    key = Identity(SecretStr(other_store.secret("nessie-key")))
    assert other_store.s3_endpoint in httpx2.get(url, headers=key.headers()).text


def test_wrong_keys_are_said_with_the_settings_to_mend(other_store: Layout) -> None:
    store = ObjectStore.model_validate(
        {"endpoint": other_store.s3_endpoint, "access_key": ACCESS, "secret_key": "wrong"}
    )
    wrong = Layout(other_store.settings.model_copy(update={"object_store": store}))
    with pytest.raises(Unavailable, match="OPENLAKE_OBJECT_STORE__ENDPOINT"):
        Supervisor(wrong, [], Silent()).up()
