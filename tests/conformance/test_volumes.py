"""Volumes as Unity Catalog's clients make, read, change and delete them."""

import io

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.errors.platform import ResourceAlreadyExists
from databricks.sdk.service import jobs
from databricks.sdk.service.catalog import VolumeType

from tests.conformance.conftest import AsUser
from tests.conformance.places import CATALOG, SCHEMA, make_schema, new_name, root_of, volume
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration]


@pytest.fixture(scope="module", autouse=True)
def _schema(whole_stack: Stack) -> None:
    make_schema(whole_stack)


def test_a_volume_is_made_read_listed_changed_and_deleted(sdk: WorkspaceClient) -> None:
    name = new_name()
    made = sdk.volumes.create(CATALOG, SCHEMA, name, VolumeType.MANAGED, comment="raw files")
    full_name = f"{CATALOG}.{SCHEMA}.{name}"
    assert (made.full_name, made.comment) == (full_name, "raw files")
    assert made.volume_type is VolumeType.MANAGED
    assert (made.storage_location or "").startswith("s3://")
    assert sdk.volumes.read(full_name) == made
    assert name in [each.name for each in sdk.volumes.list(CATALOG, SCHEMA)]
    with pytest.raises(ResourceAlreadyExists):
        sdk.volumes.create(CATALOG, SCHEMA, name, VolumeType.MANAGED)

    renamed = sdk.volumes.update(full_name, new_name=f"{name}_x", comment="sorted")
    assert (renamed.name, renamed.comment) == (f"{name}_x", "sorted")
    assert renamed.volume_id == made.volume_id
    with pytest.raises(NotFound):
        sdk.volumes.read(full_name)

    sdk.volumes.delete(f"{full_name}_x")
    with pytest.raises(NotFound):
        sdk.volumes.read(f"{full_name}_x")
    with pytest.raises(NotFound):
        sdk.volumes.delete(f"{full_name}_x")


_PROGRAM = b"""
from databricks.sdk import WorkspaceClient
from dbruntime import dbutils
import sys

root = sys.argv[1]
told = WorkspaceClient().files.download(f"{root}/told.txt").contents.read().decode()
dbutils.fs.put(f"{root}/heard.txt", told + " " + dbutils.fs.ls(root)[-1].name)
"""


def test_a_task_takes_its_file_from_a_volume_and_reads_and_writes_there(
    sdk: WorkspaceClient,
) -> None:
    with volume(sdk) as made:
        root = root_of(made)
        sdk.files.upload(f"{root}/code/main.py", io.BytesIO(_PROGRAM))
        sdk.files.upload(f"{root}/told.txt", io.BytesIO(b"hello"))
        program = jobs.SparkPythonTask(python_file=f"dbfs:{root}/code/main.py", parameters=[root])
        run = sdk.jobs.submit_and_wait(
            run_name="of a volume",
            tasks=[jobs.SubmitTask(task_key="a", spark_python_task=program)],
        )
        assert run.state is not None and run.state.result_state is jobs.RunResultState.SUCCESS
        contents = sdk.files.download(f"{root}/heard.txt").contents
        assert contents is not None and contents.read() == b"hello told.txt"


def test_a_list_of_volumes_has_pages(sdk: WorkspaceClient) -> None:
    with volume(sdk) as one, volume(sdk) as two:
        found = [each.name for each in sdk.volumes.list(CATALOG, SCHEMA, max_results=1)]
    assert {one.name, two.name} <= set(found)
    assert found == sorted(set(found), key=str)


def test_what_cannot_be_made_is_refused_by_name(sdk: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="MANAGED"):
        sdk.volumes.create(
            CATALOG, SCHEMA, "x", VolumeType.EXTERNAL, storage_location="s3://mine/x"
        )
    for name in ("a.b", "a b", "a/b"):
        with pytest.raises(InvalidParameterValue, match="cannot name a volume"):
            sdk.volumes.create(CATALOG, SCHEMA, name, VolumeType.MANAGED)
    with pytest.raises(NotFound):
        sdk.volumes.create(CATALOG, "no_such_schema", "x", VolumeType.MANAGED)
    with volume(sdk) as made, pytest.raises(BadRequest, match="no user"):
        sdk.volumes.update(made.full_name or "", owner="nobody@nowhere")


def test_a_volume_is_its_workspaces_own(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, as_user: AsUser
) -> None:
    with volume(sdk) as made:
        assert as_user("reader").volumes.read(made.full_name or "").volume_id == made.volume_id
        with pytest.raises(NotFound):
            other_workspace.volumes.read(made.full_name or "")
        with pytest.raises(NotFound):
            other_workspace.volumes.delete(made.full_name or "")
        with pytest.raises(NotFound):
            list(other_workspace.files.list_directory_contents(root_of(made)))
        assert made.name not in [
            each.name for each in other_workspace.volumes.list(CATALOG, SCHEMA)
        ]
