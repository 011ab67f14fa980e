"""The object store on two S3 servers, and the keys that attempts are given."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError

from control.config import Settings
from control.objects import FolderObjects, ObjectStore, S3Objects
from control.stack.layout import Layout
from control.storage import StsStorage
from spec.attempts import StorageAccess
from spec.errors import NotFound, Unavailable
from tests.control.postgres import free_port

KEY, SECRET = "root-of-the-tests", "secret-of-the-tests"


def command(server: str, folder: Path, port: int) -> list[str]:
    program = str(Layout(Settings()).go_tool(server))
    if server == "minio":
        console = f"127.0.0.1:{free_port()}"
        return [
            program, "server", str(folder), "--quiet",
            "--address", f"127.0.0.1:{port}", "--console-address", console,
        ]  # fmt: skip
    return [program, "--port", f"127.0.0.1:{port}", "--quiet", "posix", str(folder)]


@pytest.fixture(scope="module", params=["minio", "versitygw"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, StorageAccess]]:
    """An S3 server with the buckets `openlake` and `lakehouse`."""
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    environment = {
        **os.environ,
        "MINIO_ROOT_USER": KEY,
        "MINIO_ROOT_PASSWORD": SECRET,
        "ROOT_ACCESS_KEY": KEY,
        "ROOT_SECRET_KEY": SECRET,
    }
    process = subprocess.Popen(
        command(request.param, folder, port), env=environment, stdout=subprocess.DEVNULL
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx2.get(endpoint, timeout=1)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        )  # fmt: skip
        for bucket in ("openlake", "lakehouse"):
            client.create_bucket(Bucket=bucket)
        access = StorageAccess(
            endpoint=endpoint, region="us-east-1", access_key=KEY, secret_key=SECRET
        )
        yield request.param, access
    finally:
        process.terminate()
        process.wait(10)


def objects(access: StorageAccess, bucket: str = "openlake") -> S3Objects:
    return S3Objects(
        endpoint=access.endpoint,
        region=access.region,
        access_key=access.access_key,
        secret_key=access.secret_key,
        bucket=bucket,
    )


async def exercise(store: ObjectStore) -> None:
    await store.check()
    key = "logs/1/2/000000000000-000000000003"
    for content in (b"old", b"new"):
        await store.put(key, content)
        assert await store.get(key) == content
    with pytest.raises(NotFound):
        await store.get("logs/none")


@pytest.mark.integration
async def test_objects_are_kept_on_either_server(server: tuple[str, StorageAccess]) -> None:
    await exercise(objects(server[1]))


async def test_a_folder_can_stand_in(tmp_path: Path) -> None:
    await exercise(FolderObjects(tmp_path))


@pytest.mark.integration
async def test_a_missing_bucket_or_server_is_unavailable(
    server: tuple[str, StorageAccess],
) -> None:
    with pytest.raises(Unavailable):
        await objects(server[1], "none").check()
    away = server[1].model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(Unavailable):
        await objects(away).put("a", b"a")


@pytest.mark.integration
async def test_attempts_reach_table_data_only(server: tuple[str, StorageAccess]) -> None:
    name, access = server
    keys = await StsStorage(access, "lakehouse").issue("openlake-1048577", 1)
    if name != "minio":
        # A server without STS: the fixed keys, which the stack limits to the bucket itself.
        assert keys == access
        return
    assert keys.session_token is not None
    client = boto3.client(
        "s3", endpoint_url=keys.endpoint, region_name=keys.region,
        aws_access_key_id=keys.access_key, aws_secret_access_key=keys.secret_key,
        aws_session_token=keys.session_token,
    )  # fmt: skip
    for key in ("x", "volumes/1/v/x"):
        client.put_object(Bucket="lakehouse", Key=key, Body=b"1")
    client.list_objects_v2(Bucket="lakehouse", Prefix="volumes/1/")
    for call in (
        lambda: client.put_object(Bucket="lakehouse", Key="volumes/2/v/x", Body=b"1"),
        lambda: client.get_object(Bucket="lakehouse", Key="volumes/2/v/x"),
        lambda: client.list_objects_v2(Bucket="lakehouse", Prefix="volumes/2/"),
        lambda: client.put_object(Bucket="openlake", Key="x", Body=b"1"),
        lambda: client.list_objects_v2(Bucket="openlake"),
        lambda: client.create_bucket(Bucket="mine"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
