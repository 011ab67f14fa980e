"""Files of volumes, as `sdk.files` moves them: small and large, in one piece and in parts."""

import io
import os
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.service.files import FilesAPI

from tests.conformance.conftest import Clients
from tests.conformance.places import make_schema, root_of, volume
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration]

MIB = 1 << 20


@pytest.fixture(scope="module")
def root(clients: Clients, whole_stack: Stack) -> Iterator[str]:
    """A volume for the tests of this module."""
    make_schema(whole_stack)
    with volume(clients.admin) as made:
        yield root_of(made)


def put(sdk: WorkspaceClient, path: str, content: bytes, *, overwrite: bool | None = None) -> None:
    sdk.files.upload(path, io.BytesIO(content), overwrite=overwrite)


def read(sdk: WorkspaceClient, path: str) -> bytes:
    contents = sdk.files.download(path).contents
    assert contents is not None
    return contents.read()


def session_of(sdk: WorkspaceClient) -> requests.Session:
    session = requests.Session()
    session.headers.update(sdk.config.authenticate())
    return session


def test_a_file_comes_back_as_it_went(sdk: WorkspaceClient, root: str) -> None:
    path = f"{root}/in/ä b%2F+#?.bin"
    put(sdk, path, b"\x00first")
    assert read(sdk, path) == b"\x00first"
    put(sdk, path, b"second", overwrite=True)
    with pytest.raises(AlreadyExists):
        put(sdk, path, b"third", overwrite=False)
    assert read(sdk, path) == b"second"
    found = sdk.files.get_metadata(path)
    assert found.content_length == 6
    assert found.last_modified and found.last_modified.endswith("GMT")
    assert FilesAPI(sdk.api_client).download(path).content_length == 6
    sdk.files.delete(path)
    for call in (sdk.files.delete, sdk.files.get_metadata, sdk.files.download):
        with pytest.raises(NotFound):
            call(path)
    assert list(sdk.files.list_directory_contents(f"{root}/in")) == []


def test_an_empty_file_is_a_file(sdk: WorkspaceClient, root: str) -> None:
    put(sdk, f"{root}/empty", b"")
    assert sdk.files.get_metadata(f"{root}/empty").content_length == 0
    assert read(sdk, f"{root}/empty") == b""


def test_a_large_file_goes_in_parts_and_comes_in_ranges(
    sdk: WorkspaceClient, root: str, tmp_path: Path
) -> None:
    content, path = os.urandom(1 * MIB) * 52 + b"end", f"{root}/large/parts.bin"
    (tmp_path / "source").write_bytes(content)
    sdk.files.upload_from(path, str(tmp_path / "source"))
    sdk.files.download_to(path, str(tmp_path / "there"), use_parallel=True)
    assert (tmp_path / "there").read_bytes() == content
    with pytest.raises(AlreadyExists):
        put(sdk, path, content, overwrite=False)
    put(sdk, path, content + b"!")
    sdk.files.download_to(path, str(tmp_path / "there"))
    assert (tmp_path / "there").read_bytes() == content + b"!"


def test_nothing_shows_before_an_upload_is_complete(sdk: WorkspaceClient, root: str) -> None:
    path, session, host = f"{root}/atomic", session_of(sdk), sdk.config.host
    put(sdk, path, b"before")
    files = f"{host}/api/2.0/fs/files{path}"
    begun = session.post(files, params={"action": "initiate-upload"}).json()
    token = begun["multipart_upload"]["session_token"]
    asked = {"path": path, "session_token": token, "start_part_number": 1, "count": 2}
    urls = session.post(f"{host}/api/2.0/fs/create-upload-part-urls", json=asked).json()
    (first, _) = urls["upload_part_urls"]
    part = requests.put(first["url"], data=b"after")
    assert read(sdk, path) == b"before"

    wrong = first["url"].replace("signature=", "signature=0")
    assert requests.put(wrong, data=b"x").status_code == 403
    ended = {"action": "complete-upload", "upload_type": "multipart", "session_token": token}
    parts = {"parts": [{"part_number": 1, "etag": part.headers["ETag"]}]}
    # The second time stands for an answer that was lost.
    for _ in range(2):
        assert session.post(files, params=ended, json=parts).status_code == 200
        assert read(sdk, path) == b"after"
    assert requests.put(first["url"], data=b"late").status_code == 404


def test_an_upload_that_is_dropped_leaves_nothing(sdk: WorkspaceClient, root: str) -> None:
    path, session, host = f"{root}/dropped", session_of(sdk), sdk.config.host
    files = f"{host}/api/2.0/fs/files{path}"
    begun = session.post(files, params={"action": "initiate-upload"}).json()
    asked = {"path": path, "session_token": begun["multipart_upload"]["session_token"]}
    url = session.post(f"{host}/api/2.0/fs/create-abort-upload-url", json=asked).json()
    for _ in range(2):
        assert requests.delete(url["abort_upload_url"]["url"]).status_code == 200
    with pytest.raises(NotFound):
        sdk.files.get_metadata(path)
    more = {**asked, "start_part_number": 1, "count": 1}
    answer = session.post(f"{host}/api/2.0/fs/create-upload-part-urls", json=more)
    assert answer.status_code == 404


def test_a_link_that_has_expired_says_so_as_s3_does(sdk: WorkspaceClient, root: str) -> None:
    put(sdk, f"{root}/linked", b"content")
    ago = datetime.now(UTC) - timedelta(minutes=1)
    answer = session_of(sdk).post(
        f"{sdk.config.host}/api/2.0/fs/create-download-url",
        params={"path": f"{root}/linked", "expire_time": ago.strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    late = requests.get(answer.json()["url"])
    assert late.status_code == 403
    assert "<Message>Request has expired</Message>" in late.text


def test_ranges_and_conditions_hold(sdk: WorkspaceClient, root: str) -> None:
    path, session = f"{root}/range", session_of(sdk)
    put(sdk, path, b"0123456789")
    url = f"{sdk.config.host}/api/2.0/fs/files{path}"
    some = session.get(url, headers={"Range": "bytes=2-4"})
    assert (some.status_code, some.content) == (206, b"234")
    assert some.headers["Content-Range"] == "bytes 2-4/10"
    assert session.get(url, headers={"Range": "bytes=99-"}).status_code == 416
    old = {"If-Unmodified-Since": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert session.get(url, headers=old).status_code == 412


def test_a_body_that_breaks_off_leaves_the_old_file(sdk: WorkspaceClient, root: str) -> None:
    path = f"{root}/broken"
    put(sdk, path, b"whole")
    url = f"{sdk.config.host}/api/2.0/fs/files{path}"
    host = sdk.config.host.removeprefix("http://")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as wire:
        head = f"PUT {url.removeprefix(sdk.config.host)} HTTP/1.1\r\nHost: {host}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in sdk.config.authenticate().items())
        wire.sendall(f"{head}Content-Length: 1000000\r\n\r\nhalf".encode())
    assert read(sdk, path) == b"whole"


def test_a_body_of_unknown_length_is_taken(sdk: WorkspaceClient, root: str) -> None:
    pieces = (b"x" * MIB for _ in range(3))
    url = f"{sdk.config.host}/api/2.0/fs/files{root}/chunked"
    assert session_of(sdk).put(url, data=pieces).status_code == 204
    assert sdk.files.get_metadata(f"{root}/chunked").content_length == 3 * MIB


def test_one_of_many_that_must_not_overwrite_wins(sdk: WorkspaceClient, root: str) -> None:
    outcomes: list[str] = []

    def upload(number: int) -> None:
        try:
            put(sdk, f"{root}/race", str(number).encode(), overwrite=False)
            outcomes.append(str(number))
        except AlreadyExists:
            outcomes.append("")

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (winner,) = [each for each in outcomes if each]
    assert len(outcomes) == 8
    assert read(sdk, f"{root}/race") == winner.encode()


def test_folders_are_made_listed_in_pages_and_deleted(sdk: WorkspaceClient, root: str) -> None:
    folder = f"{root}/a/b/c"
    for _ in range(2):
        sdk.files.create_directory(folder)
    sdk.files.get_directory_metadata(folder)
    for name in ("x", "y", "z"):
        put(sdk, f"{folder}/{name}.txt", name.encode())
    sdk.files.create_directory(f"{folder}/more")
    listed = list(sdk.files.list_directory_contents(folder, page_size=1))
    assert [(each.name, each.is_directory) for each in listed] == [
        ("more", True),
        ("x.txt", False),
        ("y.txt", False),
        ("z.txt", False),
    ]
    assert listed[1].path == f"{folder}/x.txt"
    assert listed[1].file_size == 1 and (listed[1].last_modified or 0) > 1_600_000_000_000
    with pytest.raises(BadRequest, match="not empty"):
        sdk.files.delete_directory(folder)
    for name in ("x", "y", "z"):
        sdk.files.delete(f"{folder}/{name}.txt")
    sdk.files.delete_directory(f"{folder}/more")
    sdk.files.delete_directory(folder)
    for call in (
        sdk.files.get_directory_metadata,
        sdk.files.delete_directory,
        lambda path: list(sdk.files.list_directory_contents(path)),
    ):
        with pytest.raises(NotFound):
            call(folder)
    sdk.files.get_directory_metadata(f"{root}/a/b")


def test_files_and_folders_do_not_take_each_others_names(sdk: WorkspaceClient, root: str) -> None:
    put(sdk, f"{root}/taken/file", b"1")
    with pytest.raises(AlreadyExists):
        put(sdk, f"{root}/taken", b"1")
    with pytest.raises(AlreadyExists):
        put(sdk, f"{root}/taken/file/below", b"1")
    with pytest.raises(AlreadyExists):
        sdk.files.create_directory(f"{root}/taken/file")


@pytest.mark.parametrize(
    "spelled",
    [
        "/../../other/x",
        "/a/../x",
        "/%2e%2e/x",
        "/..%2f..%2fx",
        "//x",
        "/a//x",
        "/a%00b",
        "/./x",
        "/x/",
        "/%ff",
    ],
)
def test_no_path_leaves_its_volume(sdk: WorkspaceClient, root: str, spelled: str) -> None:
    session = session_of(sdk)
    request = requests.Request("PUT", "http://x", data=b"x")
    ready = session.prepare_request(request)
    ready.url = f"{sdk.config.host}/api/2.0/fs/files{root}{spelled}"
    answer = session.send(ready)
    assert answer.status_code in (400, 404), answer.text
    assert answer.json()["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


def test_what_names_no_volume_is_refused(sdk: WorkspaceClient) -> None:
    for path in ("/Volumes/lakehouse/conformance", "/Workspace/a/b/c/d", "/Volumes"):
        with pytest.raises(InvalidParameterValue):
            list(sdk.files.list_directory_contents(path))
    with pytest.raises(NotFound):
        put(sdk, "/Volumes/lakehouse/conformance/no_such_volume/x", b"x")


def test_another_workspace_sees_no_file(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, root: str
) -> None:
    put(sdk, f"{root}/mine", b"x")
    with pytest.raises(NotFound):
        other_workspace.files.download(f"{root}/mine")
    with pytest.raises(NotFound):
        put(other_workspace, f"{root}/mine", b"theirs")


def test_the_command_line_copies_lists_shows_and_deletes(
    sdk: WorkspaceClient, root: str, whole_stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "folder/deep").mkdir(parents=True)
    (tmp_path / "folder/deep/ä.txt").write_text("over here")
    whole_stack.command("fs", "cp", "-r", str(tmp_path / "folder"), f"{root}/cli")
    assert read(sdk, f"{root}/cli/deep/ä.txt") == b"over here"
    (listed,) = whole_stack.json("fs", "ls", f"dbfs:{root}/cli/deep/ä.txt")
    assert (listed["name"], listed["size_bytes"]) == ("ä.txt", 9)
    assert whole_stack.command("fs", "cat", f"{root}/cli/deep/ä.txt") == "over here"
    whole_stack.command("fs", "rm", "-r", f"{root}/cli")
    with pytest.raises(NotFound):
        sdk.files.get_directory_metadata(f"{root}/cli")
