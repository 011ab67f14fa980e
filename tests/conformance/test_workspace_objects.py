"""Workspace files, notebooks and folders, as `sdk.workspace` moves them."""

import base64
import io
import json
import time
import uuid
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.errors.platform import ResourceAlreadyExists
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

pytestmark = [pytest.mark.integration]

NOTEBOOK = b"""# Databricks notebook source
# MAGIC %md
# MAGIC # Hello

# COMMAND ----------

print(1)
"""


@pytest.fixture
def folder(sdk: WorkspaceClient) -> Iterator[str]:
    """A folder that is gone afterwards."""
    path = f"/Shared/conformance-{uuid.uuid4().hex[:8]}"
    sdk.workspace.mkdirs(path)
    yield path
    sdk.workspace.delete(path, recursive=True)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_files_go_up_and_come_down(sdk: WorkspaceClient, folder: str) -> None:
    path = f"{folder}/data.bin"
    sdk.workspace.upload(path, io.BytesIO(b"\x00one"), format=ImportFormat.RAW)
    assert sdk.workspace.download(path).read() == b"\x00one"
    before = sdk.workspace.get_status(path)
    assert (before.object_type, before.size) == (ObjectType.FILE, 4)
    with pytest.raises(ResourceAlreadyExists):
        sdk.workspace.upload(path, b"two", format=ImportFormat.RAW)
    sdk.workspace.upload(path, b"two", format=ImportFormat.RAW, overwrite=True)
    after = sdk.workspace.get_status(f"/Workspace{path}")
    assert sdk.workspace.download(path, format=ExportFormat.AUTO).read() == b"two"
    assert (after.object_id, after.resource_id) == (before.object_id, str(before.object_id))
    assert after.path == path
    assert (after.modified_at or 0) >= (before.modified_at or 1) >= (before.created_at or 1)
    with pytest.raises(DatabricksError) as refused:
        sdk.workspace.upload(f"{folder}/none", b"x")
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"


def test_a_notebook_is_read_in_either_form(sdk: WorkspaceClient, folder: str) -> None:
    path = f"{folder}/hello"
    sdk.workspace.import_(
        path, content=encoded(NOTEBOOK), format=ImportFormat.SOURCE, language=Language.PYTHON
    )
    status = sdk.workspace.get_status(path)
    assert (status.object_type, status.language) == (ObjectType.NOTEBOOK, Language.PYTHON)
    source = sdk.workspace.export(path)
    assert source.file_type == "py"
    assert base64.b64decode(source.content or "") == NOTEBOOK
    jupyter = sdk.workspace.export(path, format=ExportFormat.JUPYTER)
    assert jupyter.file_type == "ipynb"
    notebook = json.loads(base64.b64decode(jupyter.content or ""))
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code"]
    page = sdk.workspace.download(path, format=ExportFormat.HTML).read()
    assert page.startswith(b"<!DOCTYPE html>")

    again = f"{folder}/again.ipynb"
    sdk.workspace.upload(again, json.dumps(notebook).encode(), format=ImportFormat.AUTO)
    kept = sdk.workspace.download(f"{folder}/again", format=ExportFormat.JUPYTER).read()
    assert json.loads(kept) == notebook
    assert sdk.workspace.download(f"{folder}/again").read() == NOTEBOOK


def test_auto_tells_notebooks_from_files(sdk: WorkspaceClient, folder: str) -> None:
    for name, content in {
        "py_notebook.py": NOTEBOOK,
        "module.py": b"x = 1",
        "sql_notebook.sql": b"-- Databricks notebook source\nSELECT 1",
        "scala_notebook.scala": b"// Databricks notebook source\n1",
        "r_notebook.r": b"# Databricks notebook source\n1",
    }.items():
        sdk.workspace.upload(f"{folder}/{name}", content, format=ImportFormat.AUTO)
    found = {each.path: each for each in sdk.workspace.list(folder)}
    assert found[f"{folder}/module.py"].object_type is ObjectType.FILE
    for name in ("py", "sql", "scala", "r"):
        assert found[f"{folder}/{name}_notebook"].object_type is ObjectType.NOTEBOOK
    assert found[f"{folder}/sql_notebook"].language is Language.SQL
    assert found[f"{folder}/r_notebook"].language is Language.R


def test_folders_are_made_listed_and_deleted(sdk: WorkspaceClient, folder: str) -> None:
    deep = f"{folder}/a/b"
    for _ in range(2):
        sdk.workspace.mkdirs(deep)
    sdk.workspace.upload(f"{deep}/one.txt", b"1", format=ImportFormat.RAW)
    sdk.workspace.upload(f"{folder}/two.txt", b"2", format=ImportFormat.RAW)
    everything = [each.path for each in sdk.workspace.list(folder, recursive=True)]
    assert sorted(path or "" for path in everything) == [f"{deep}/one.txt", f"{folder}/two.txt"]
    assert [each.object_type for each in sdk.workspace.list(folder)] == [
        ObjectType.DIRECTORY,
        ObjectType.FILE,
    ]
    assert [each.path for each in sdk.workspace.list(f"{folder}/two.txt")] == [f"{folder}/two.txt"]
    with pytest.raises(BadRequest) as refused:
        sdk.workspace.delete(f"{folder}/a")
    assert refused.value.error_code == "DIRECTORY_NOT_EMPTY"
    with pytest.raises(ResourceAlreadyExists):
        sdk.workspace.mkdirs(f"{folder}/two.txt/below")
    sdk.workspace.delete(f"{folder}/a", recursive=True)
    with pytest.raises(NotFound):
        sdk.workspace.get_status(deep)


def test_only_notebooks_are_left_out_by_their_age(sdk: WorkspaceClient, folder: str) -> None:
    sdk.workspace.upload(f"{folder}/old.py", NOTEBOOK, format=ImportFormat.AUTO)
    sdk.workspace.upload(f"{folder}/file.txt", b"x", format=ImportFormat.RAW)
    later = int(time.time() * 1000) + 60_000
    listed = sdk.workspace.list(folder, notebooks_modified_after=later)
    assert [each.path for each in listed] == [f"{folder}/file.txt"]
    assert len(list(sdk.workspace.list(folder, notebooks_modified_after=1))) == 2


def test_what_is_not_there_or_cannot_be_has_its_code(sdk: WorkspaceClient, folder: str) -> None:
    with pytest.raises(NotFound):
        sdk.workspace.upload(f"{folder}/no/such/folder.txt", b"x", format=ImportFormat.RAW)
    for call in (sdk.workspace.get_status, sdk.workspace.export, sdk.workspace.delete):
        with pytest.raises(NotFound):
            call(f"{folder}/nothing")
    with pytest.raises(NotFound):
        list(sdk.workspace.list(f"{folder}/nothing"))
    for form in (ImportFormat.DBC, ImportFormat.R_MARKDOWN, ImportFormat.HTML):
        with pytest.raises(InvalidParameterValue, match=form.value):
            sdk.workspace.import_(f"{folder}/x", content=encoded(b"x"), format=form)
    with pytest.raises(InvalidParameterValue):
        sdk.workspace.import_(f"{folder}/../../x", content="", format=ImportFormat.RAW)
    with pytest.raises(InvalidParameterValue, match="base64"):
        sdk.workspace.import_(f"{folder}/x", content="!", format=ImportFormat.RAW)
    with pytest.raises(BadRequest) as refused:
        large = b"x" * (10 * 1024 * 1024 + 1)
        sdk.workspace.upload(
            f"{folder}/large", large, format=ImportFormat.SOURCE, language=Language.PYTHON
        )
    assert refused.value.error_code == "MAX_NOTEBOOK_SIZE_EXCEEDED"


def test_another_workspace_has_its_own_paths(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, folder: str
) -> None:
    sdk.workspace.upload(f"{folder}/mine.txt", b"x", format=ImportFormat.RAW)
    with pytest.raises(NotFound):
        other_workspace.workspace.get_status(f"{folder}/mine.txt")
    with pytest.raises(NotFound):
        other_workspace.workspace.download(f"{folder}/mine.txt")
