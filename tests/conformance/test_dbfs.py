"""DBFS, as `sdk.dbfs` moves files to it, from it and within it."""

import base64
import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, NotImplemented
from databricks.sdk.errors.platform import ResourceAlreadyExists
from databricks.sdk.service.files import DbfsAPI

from tests.conformance.conftest import AsUser
from tests.conformance.places import make_schema, root_of, volume
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration]

MIB = 1 << 20


@pytest.fixture
def folder(sdk: WorkspaceClient) -> Iterator[str]:
    """A folder that is gone afterwards."""
    path = f"/conformance/{uuid.uuid4().hex[:8]}"
    sdk.dbfs.mkdirs(path)
    yield path
    sdk.dbfs.delete(path, recursive=True)


def read(sdk: WorkspaceClient, path: str) -> bytes:
    with sdk.dbfs.download(path) as file:
        return file.read(-1)


def test_a_file_comes_back_as_it_went(sdk: WorkspaceClient, folder: str) -> None:
    content, path = os.urandom(MIB) * 2 + b"end", f"{folder}/a b/ä.bin"
    sdk.dbfs.upload(path, io.BytesIO(content))
    assert read(sdk, f"dbfs:{path}") == content
    status = sdk.dbfs.get_status(path)
    assert (status.path, status.is_dir, status.file_size) == (path, False, len(content))
    assert (status.modification_time or 0) > 1_600_000_000_000
    with pytest.raises(ResourceAlreadyExists):
        sdk.dbfs.upload(path, io.BytesIO(b"x"))
    sdk.dbfs.upload(path, io.BytesIO(b"x"), overwrite=True)
    assert read(sdk, path) == b"x"


def test_small_files_are_put_and_read_in_pieces(sdk: WorkspaceClient, folder: str) -> None:
    path = f"{folder}/small"
    sdk.dbfs.put(path, contents=base64.b64encode(b"0123456789").decode())
    some = sdk.dbfs.read(path, offset=2, length=3)
    assert (some.bytes_read, base64.b64decode(some.data or "")) == (3, b"234")
    assert sdk.dbfs.read(path, offset=8).bytes_read == 2
    assert sdk.dbfs.read(path, offset=99).bytes_read == 0
    with pytest.raises(ResourceAlreadyExists):
        sdk.dbfs.put(path, contents="")
    sdk.dbfs.put(path, contents="", overwrite=True)
    assert sdk.dbfs.get_status(path).file_size == 0
    for call, code in (
        (lambda: sdk.dbfs.read(path, length=MIB + 1), "MAX_READ_SIZE_EXCEEDED"),
        (lambda: sdk.dbfs.read(path, length=-1), "INVALID_PARAMETER_VALUE"),
        (lambda: sdk.dbfs.read(folder), "INVALID_PARAMETER_VALUE"),
        (lambda: sdk.dbfs.put(path, contents=encoded(MIB + 1)), "MAX_BLOCK_SIZE_EXCEEDED"),
    ):
        with pytest.raises(BadRequest) as refused:
            call()
        assert refused.value.error_code == code


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def test_a_file_in_blocks_shows_when_it_is_closed(sdk: WorkspaceClient, folder: str) -> None:
    path = f"{folder}/blocks"
    handle = sdk.dbfs.create(path).handle or 0
    for piece in (b"one ", b"two"):
        sdk.dbfs.add_block(handle, base64.b64encode(piece).decode())
        assert not sdk.dbfs.exists(path)
    for _ in range(2):
        sdk.dbfs.close(handle)
    assert read(sdk, path) == b"one two"
    for call in (lambda: sdk.dbfs.add_block(handle, ""), lambda: sdk.dbfs.close(12345)):
        with pytest.raises(NotFound):
            call()


def test_a_handle_is_its_makers_own(
    sdk: WorkspaceClient, as_user: AsUser, other_workspace: WorkspaceClient, folder: str
) -> None:
    handle = sdk.dbfs.create(f"{folder}/mine").handle or 0
    for client in (as_user("reader"), other_workspace):
        with pytest.raises(NotFound):
            client.dbfs.add_block(handle, "")
    sdk.dbfs.put(f"{folder}/seen", contents="")
    assert as_user("reader").dbfs.exists(f"{folder}/seen")
    assert not other_workspace.dbfs.exists(f"{folder}/seen")


def test_folders_are_listed_moved_and_deleted(sdk: WorkspaceClient, folder: str) -> None:
    for name in ("a/one", "a/b/two", "three"):
        sdk.dbfs.put(f"{folder}/{name}", contents="eA==")
    files = [each.path for each in sdk.dbfs.list(folder, recursive=True)]
    assert sorted(path or "" for path in files) == [
        f"{folder}/a/b/two",
        f"{folder}/a/one",
        f"{folder}/three",
    ]
    listed = DbfsAPI(sdk.api_client).list(folder)
    assert [(each.path, each.is_dir) for each in listed] == [
        (f"{folder}/a", True),
        (f"{folder}/three", False),
    ]
    with pytest.raises(BadRequest) as refused:
        DbfsAPI(sdk.api_client).delete(f"{folder}/a")
    assert refused.value.error_code == "IO_ERROR"
    with pytest.raises(ResourceAlreadyExists):
        sdk.dbfs.mkdirs(f"{folder}/three/below")
    with pytest.raises(ResourceAlreadyExists):
        sdk.dbfs.move(f"{folder}/a", f"{folder}/three")
    with pytest.raises(NotFound):
        sdk.dbfs.move(f"{folder}/none", f"{folder}/x")
    with pytest.raises(InvalidParameterValue):
        sdk.dbfs.move(f"{folder}/a", f"{folder}/a/inside")

    sdk.dbfs.move_(f"{folder}/a", f"{folder}/moved")
    assert sdk.dbfs.exists(f"{folder}/moved/b/two")
    assert not sdk.dbfs.exists(f"{folder}/a")
    sdk.dbfs.delete(f"{folder}/moved", recursive=True)
    with pytest.raises(NotFound):
        sdk.dbfs.get_status(f"{folder}/moved/one")
    with pytest.raises(NotFound):
        list(DbfsAPI(sdk.api_client).list(f"{folder}/moved"))


def test_files_are_copied_from_here_to_there(
    sdk: WorkspaceClient, folder: str, tmp_path: Path, whole_stack: Stack
) -> None:
    make_schema(whole_stack)
    (tmp_path / "here.txt").write_bytes(b"content")
    sdk.dbfs.copy(f"file:{tmp_path}/here.txt", f"{folder}/there.txt")
    with volume(sdk) as made:
        root = f"dbfs:{root_of(made)}"
        sdk.dbfs.copy(f"{folder}/there.txt", f"{root}/in/volume.txt")
        assert read(sdk, f"{root}/in/volume.txt") == b"content"
        assert [each.path for each in sdk.dbfs.list(f"{root}/in")] == [
            f"{root_of(made)}/in/volume.txt"
        ]
        sdk.dbfs.copy(f"{root}/in/volume.txt", f"file:{tmp_path}/back.txt")
        sdk.dbfs.delete(f"{root}/in", recursive=True)
        assert not sdk.dbfs.exists(f"{root}/in/volume.txt")
    assert (tmp_path / "back.txt").read_bytes() == b"content"


@pytest.mark.parametrize("path", ["relative", "/a/../b", "/a//b", "/a\x00b", "/Volumes/c/s/v/x"])
def test_what_cannot_be_a_path_is_refused(sdk: WorkspaceClient, path: str) -> None:
    with pytest.raises(InvalidParameterValue):
        DbfsAPI(sdk.api_client).get_status(path)


def test_dbutils_moves_files_from_anywhere(
    sdk: WorkspaceClient, whole_stack: Stack, folder: str
) -> None:
    fs = sdk.dbutils.fs
    make_schema(whole_stack)
    with volume(sdk) as made:
        for place in (folder, root_of(made)):
            assert fs.mkdirs(f"{place}/in") and fs.put(f"{place}/in/a.txt", "ünder")
            assert (fs.head(f"{place}/in/a.txt"), fs.head(f"{place}/in/a.txt", 2)) == ("ünder", "ü")
            assert fs.cp(f"{place}/in/a.txt", f"{place}/in/b.txt")
            assert fs.mv(f"{place}/in/b.txt", f"{place}/in/c.txt")
            assert [(each.name, each.size) for each in fs.ls(f"{place}/in")] == [
                ("a.txt", 6),
                ("c.txt", 6),
            ]
            assert fs.rm(f"{place}/in", recurse=True)
            with pytest.raises(NotFound):
                fs.head(f"{place}/in/a.txt")


def test_dbutils_runs_nothing_on_a_cluster(sdk: WorkspaceClient) -> None:
    client = WorkspaceClient(host=sdk.config.host, token=sdk.config.token, cluster_id="default")
    run: Any = client.dbutils.notebook.run
    with pytest.raises(NotImplemented, match="no commands run on clusters"):
        run("/Shared/x", 60)
