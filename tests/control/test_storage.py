"""The object store on two S3 servers, and the keys that attempts are given."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError

from control.config import Settings
from control.objects import ObjectStore, S3Objects
from control.stack.layout import Layout
from control.storage import StsStorage
from spec.attempts import StorageAccess
from spec.errors import NotFound, Unavailable
from tests.control.postgres import free_port
from tests.control.storing import FolderObjects

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


class BrokenOff(BaseHTTPRequestHandler):
    """A server whose answers end in the middle, whether it is asked before or told at once."""

    protocol_version = "HTTP/1.1"

    def handle_expect_100(self) -> bool:
        self._break_off(b"HTTP/1.1 100 Continue\r\n")
        return False

    def do_GET(self) -> None:
        self._break_off(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    do_PUT = do_GET

    def _break_off(self, answer: bytes) -> None:
        self.wfile.write(answer)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.timeout(60)
async def test_an_answer_that_is_broken_off_ends_the_call(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BrokenOff)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    store = objects(StorageAccess(endpoint=url, region="r", access_key="k", secret_key="s"))
    (tmp_path / "file").write_bytes(b"content")
    try:
        with pytest.raises(Unavailable, match="broke off"):
            await store.get("key")
        with pytest.raises(Unavailable):
            await store.put_file("key", tmp_path / "file")
    finally:
        server.shutdown()
        server.server_close()


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


class Sts(BaseHTTPRequestHandler):
    """Answers AssumeRole as it is told."""

    answers: ClassVar[list[tuple[int, str]]] = []

    def do_POST(self) -> None:
        status, text = self.answers.pop(0)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        return


_REFUSED = "<ErrorResponse><Error><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"
_KEYS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>k</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def sts() -> Iterator[StorageAccess]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield StorageAccess(endpoint=url, region="r", access_key="fixed", secret_key="s")
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "answer",
    [(501, _REFUSED.format("NotImplemented")), (501, ""), (405, ""), (200, "?"), (200, "<html/>")],
)
async def test_a_server_without_sts_has_only_the_fixed_keys(
    sts: StorageAccess, answer: tuple[int, str]
) -> None:
    Sts.answers = [answer]
    assert await StsStorage(sts, "lakehouse").issue("attempt", 1) == sts


async def test_a_bad_moment_of_sts_gives_nobody_the_permanent_keys(sts: StorageAccess) -> None:
    away = sts.model_copy(update={"endpoint": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(Unavailable, match="no keys"):
        await StsStorage(away, "lakehouse").issue("attempt", 1)
    storage = StsStorage(sts, "lakehouse")
    Sts.answers = [(503, "no healthy upstream")]
    with pytest.raises(Unavailable, match="503"):
        await storage.issue("attempt", 1)
    Sts.answers = [(503, _REFUSED.format("SlowDown"))] * 2 + [(200, _KEYS)]
    with pytest.raises(Unavailable, match="SlowDown"):
        await storage.issue("attempt", 1)
    assert (await storage.issue("attempt", 1)).access_key == "k"
    # It has given out keys: whatever it says now, it knows STS.
    Sts.answers = [(403, _REFUSED.format("AccessDenied"))]
    with pytest.raises(Unavailable, match="AccessDenied"):
        await storage.issue("attempt", 2)
