"""MLflow by the SDK and by the unmodified mlflow package, with tracking URI `databricks`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.ml import (
    Dataset,
    DatasetInput,
    ExperimentAccessControlRequest,
    ExperimentPermissionLevel,
    Issue,
    IssueSeverity,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    ModelInput,
    ModelOutput,
    Param,
    RegisteredModelAccessControlRequest,
    RegisteredModelPermissionLevel,
    RunTag,
    UpdateRunStatus,
)

from tests.conformance.conftest import AsUser
from tests.integration.stack import Stack

MARK = uuid4().hex[:6]
"""Names are new each time, so that the tests can run again on a stack that is kept."""

HOME = f"/Users/admin/{MARK}"
NET = f"net-{MARK}"
PROGRAM = Path(__file__).parent / "mlflow_program.py"


def make_experiment(client: WorkspaceClient, name: str) -> str:
    """Return the id of a new experiment."""
    made = client.experiments.create_experiment(name).experiment_id
    assert made is not None
    return made


def make_run(client: WorkspaceClient, experiment_id: str) -> str:
    """Return the id of a new run."""
    run = client.experiments.create_run(experiment_id=experiment_id, run_name="one", start_time=5)
    assert run.run is not None and run.run.info is not None and run.run.info.run_id is not None
    return run.run.info.run_id


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    """What tests of this module make once."""
    return {}


@pytest.fixture
def run_id(sdk: WorkspaceClient, shared: dict[str, Any]) -> str:
    """A run of the admin's experiment."""
    if not shared:
        shared["experiment"] = make_experiment(sdk, f"{HOME}/walls")
        shared["run"] = make_run(sdk, shared["experiment"])
    return shared["run"]


def test_experiments(sdk: WorkspaceClient) -> None:
    api = sdk.experiments
    made = make_experiment(sdk, f"{HOME}/first")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        api.create_experiment(f"{HOME}/first")
    api.set_experiment_tag(made, "team", "blue")
    api.update_experiment(made, new_name=f"{HOME}/renamed")
    found = api.get_by_name(f"{HOME}/renamed").experiment
    assert found is not None and found.experiment_id == made
    assert found.artifact_location == f"dbfs:/databricks/mlflow-tracking/{made}"
    assert "blue" in [tag.value for tag in found.tags or []]
    assert made in [each.experiment_id for each in api.search_experiments()]
    assert made in [each.experiment_id for each in api.list_experiments()]
    api.delete_experiment(made)
    assert made not in [each.experiment_id for each in api.search_experiments()]
    api.restore_experiment(made)
    again = api.get_experiment(made).experiment
    assert again is not None and again.lifecycle_stage == "active"


def test_where_artifacts_are_kept_cannot_be_chosen(sdk: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="artifact_location"):
        sdk.experiments.create_experiment("/x/elsewhere", artifact_location="s3://other/place")


def test_runs(sdk: WorkspaceClient) -> None:
    api = sdk.experiments
    experiment = make_experiment(sdk, f"no-path-{MARK}")
    run_id = make_run(sdk, experiment)
    api.log_metric("loss", 0.5, 1, run_id=run_id, step=1)
    api.log_metric("loss", 0.25, 2, run_id=run_id, step=2)
    api.log_param("alpha", "0.1", run_id=run_id)
    api.set_tag("note", "x", run_id=run_id)
    api.delete_tag(run_id, "note")
    batch = [Metric(key="r2", value=0.9, timestamp=3, step=0)]
    params, tags = [Param(key="seed", value="1")], [RunTag(key="kind", value="y")]
    api.log_batch(run_id=run_id, metrics=batch, params=params, tags=tags)
    data = Dataset(name="d", digest="1", source_type="local", source="s")
    api.log_inputs(run_id, datasets=[DatasetInput(dataset=data)])
    made = {"run_id": run_id, "artifact_path": "m", "utc_time_created": "2026-01-01 00:00:00.0"}
    api.log_model(model_json=json.dumps({**made, "flavors": {}}), run_id=run_id)
    api.update_run(run_id=run_id, status=UpdateRunStatus.FINISHED, end_time=9)
    run = api.get_run(run_id).run
    assert run is not None and run.data is not None and run.info is not None
    assert {m.key: m.value for m in run.data.metrics or []} == {"loss": 0.25, "r2": 0.9}
    assert [m.value for m in api.get_history("loss", run_id=run_id)] == [0.5, 0.25]
    assert list(api.list_artifacts(run_id=run_id)) == []
    found = list(api.search_runs(experiment_ids=[experiment], filter="metrics.loss < 0.3"))
    assert [each.info.run_id for each in found if each.info] == [run_id]
    api.delete_run(run_id)
    api.restore_run(run_id)
    assert api.delete_runs(experiment, 10).runs_deleted == 1
    assert list(api.search_runs(experiment_ids=[experiment])) == []


def test_logged_models(sdk: WorkspaceClient, run_id: str, shared: dict[str, Any]) -> None:
    api = sdk.experiments
    made = api.create_logged_model(shared["experiment"], name="net", source_run_id=run_id).model
    assert made is not None and made.info is not None and made.info.model_id is not None
    model_id = made.info.model_id
    api.log_logged_model_params(model_id, params=[LoggedModelParameter(key="a", value="1")])
    api.set_logged_model_tags(model_id, tags=[LoggedModelTag(key="t", value="u")])
    api.delete_logged_model_tag(model_id, "t")
    api.log_inputs(run_id, models=[ModelInput(model_id=model_id)])
    api.log_outputs(run_id, models=[ModelOutput(model_id=model_id, step=1)])
    api.finalize_logged_model(model_id, LoggedModelStatus.LOGGED_MODEL_READY)
    found = api.search_logged_models(experiment_ids=[shared["experiment"]]).models or []
    assert [model.info.model_id for model in found if model.info] == [model_id]
    read = api.get_logged_model(model_id).model
    assert read is not None and read.info is not None
    assert read.info.artifact_uri == (
        f"dbfs:/databricks/mlflow-tracking/{shared['experiment']}/logged_models/{model_id}/artifacts"
    )
    api.delete_logged_model(model_id)


def test_registered_models(sdk: WorkspaceClient, run_id: str) -> None:
    api = sdk.model_registry
    api.create_model(NET, description="first")
    api.set_model_tag(NET, "team", "blue")
    api.delete_model_tag(NET, "team")
    api.update_model(NET, description="second")
    before = api.get_model(NET).registered_model_databricks
    assert before is not None and before.id and before.description == "second"
    run = sdk.experiments.get_run(run_id).run
    assert run is not None and run.info is not None
    api.create_model_version(NET, f"{run.info.artifact_uri}/model", run_id=run_id)
    api.set_model_version_tag(NET, "1", "k", "v")
    api.delete_model_version_tag(NET, "1", "k")
    api.update_model_version(NET, "1", description="it")
    api.transition_stage(NET, "1", "Production", True)
    version = api.get_model_version(NET, "1").model_version
    assert version is not None and version.current_stage == "Production"
    assert version.source == f"{run.info.artifact_uri}/model"
    assert api.get_model_version_download_uri(NET, "1").artifact_uri == version.source
    assert [v.version for v in api.get_latest_versions(NET, stages=["Production"])] == ["1"]
    assert [v.version for v in api.search_model_versions(filter=f"name = '{NET}'")] == ["1"]
    api.rename_model(NET, new_name=f"{NET}-2")
    after = api.get_model(f"{NET}-2").registered_model_databricks
    assert after is not None and after.id == before.id
    assert f"{NET}-2" in [model.name for model in api.search_models()]
    assert f"{NET}-2" in [model.name for model in api.list_models()]
    api.delete_model_version(f"{NET}-2", "1")
    api.delete_model(f"{NET}-2")
    with pytest.raises(ResourceDoesNotExist):
        api.get_model(f"{NET}-2")


def test_a_version_comes_from_this_server_alone(sdk: WorkspaceClient) -> None:
    sdk.model_registry.create_model(f"strange-{MARK}")
    for source in ("s3://other/bucket", "file:///etc", "mlflow-artifacts:/workspaces/w7/1/x"):
        with pytest.raises((InvalidParameterValue, NotFound)):
            sdk.model_registry.create_model_version(f"strange-{MARK}", source)


_RECORDED = "Databricks' review of stages and its webhooks are not offered"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        pytest.param(
            name, arguments, marks=pytest.mark.refused(f"model_registry.{name}", _RECORDED)
        )
        for name, arguments in (
            ("create_comment", ("a", "1", "x")),
            ("delete_comment", ("1",)),
            ("update_comment", ("1", "x")),
            ("create_webhook", ([],)),
            ("delete_webhook", ("1",)),
            ("list_webhooks", ()),
            ("update_webhook", ("1",)),
            ("test_registry_webhook", ("1",)),
            ("list_transition_requests", ("a", "1")),
            ("create_transition_request", ("a", "1", "Staging")),
            ("delete_transition_request", ("a", "1", "Staging", "x")),
            ("approve_transition_request", ("a", "1", "Staging", True)),
            ("reject_transition_request", ("a", "1", "Staging")),
        )
    ],
)
def test_what_the_registry_has_not(
    sdk: WorkspaceClient, method: str, arguments: tuple[Any, ...]
) -> None:
    call = cast("Callable[..., Any]", getattr(sdk.model_registry, method))
    with pytest.raises(NotFound, match="No API found"):
        list(call(*arguments) or [])


_ISSUES = "MLflow keeps no issues of experiments"


@pytest.mark.refused("experiments.create_issue", _ISSUES)
@pytest.mark.refused("experiments.get_issue", _ISSUES)
@pytest.mark.refused("experiments.search_issues", _ISSUES)
@pytest.mark.refused("experiments.update_issue", _ISSUES)
def test_experiments_have_no_issues(sdk: WorkspaceClient) -> None:
    experiment, issue = "experiments/1", "experiments/1/issues/2"
    found = Issue(title="slow", severity=IssueSeverity.LOW)
    refused: tuple[Callable[[], Any], ...] = (
        lambda: sdk.experiments.create_issue(experiment, found),
        lambda: sdk.experiments.get_issue(issue),
        lambda: list(sdk.experiments.search_issues(experiment)),
        lambda: sdk.experiments.update_issue(issue, found, FieldMask(["title"])),
    )
    for ask in refused:
        with pytest.raises(NotFound, match="No API found"):
            ask()


@pytest.mark.refused("experiments.restore_runs", "MLflow does not tell when a run was deleted")
def test_runs_are_restored_one_by_one(sdk: WorkspaceClient, shared: dict[str, Any]) -> None:
    with pytest.raises(NotFound, match="No API found"):
        sdk.experiments.restore_runs("1", 1)


def test_nothing_is_seen_from_another_workspace(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, run_id: str, shared: dict[str, Any]
) -> None:
    experiment, theirs = shared["experiment"], other_workspace.experiments
    sdk.model_registry.create_model(f"mine-{MARK}")
    refused: list[Callable[[], Any]] = [
        lambda: theirs.get_experiment(experiment),
        lambda: theirs.get_by_name(f"{HOME}/walls"),
        lambda: theirs.delete_experiment(experiment),
        lambda: theirs.create_run(experiment_id=experiment),
        lambda: theirs.get_run(run_id),
        lambda: theirs.log_metric("m", 1, 1, run_id=run_id),
        lambda: theirs.log_batch(run_id=run_id, params=[Param(key="p", value="v")]),
        lambda: theirs.delete_run(run_id),
        lambda: list(theirs.search_runs(experiment_ids=[experiment])),
        lambda: list(theirs.list_artifacts(run_id=run_id)),
        lambda: other_workspace.model_registry.get_model(f"mine-{MARK}"),
        lambda: other_workspace.model_registry.delete_model(f"mine-{MARK}"),
        lambda: other_workspace.api_client.do(
            "GET", f"/api/2.0/mlflow-artifacts/artifacts/workspaces/default/{experiment}/x"
        ),
    ]
    for deed in refused:
        with pytest.raises(NotFound):
            deed()
    # Names are a workspace's own; lists hold what is its own.
    own = make_experiment(other_workspace, f"{HOME}/walls")
    ids = {each.experiment_id for each in theirs.search_experiments()}
    assert own in ids and experiment not in ids
    assert f"mine-{MARK}" not in {m.name for m in other_workspace.model_registry.search_models()}
    sdk.model_registry.delete_model(f"mine-{MARK}")


def test_without_permission_nothing_is_read_or_written(
    sdk: WorkspaceClient, as_user: AsUser, run_id: str, shared: dict[str, Any]
) -> None:
    user = as_user("tracker")
    for deed in (
        lambda: user.experiments.get_run(run_id),
        lambda: user.experiments.log_param("p", "v", run_id=run_id),
        lambda: user.experiments.get_by_name(f"{HOME}/walls"),
        lambda: list(user.experiments.search_runs(experiment_ids=[shared["experiment"]])),
        lambda: user.experiments.delete_experiment(shared["experiment"]),
    ):
        with pytest.raises(PermissionDenied):
            deed()


def test_levels_on_an_experiment_and_a_model(
    sdk: WorkspaceClient, as_user: AsUser, run_id: str, shared: dict[str, Any]
) -> None:
    user, api, experiment = as_user("reader"), sdk.experiments, shared["experiment"]
    with pytest.raises(PermissionDenied):
        user.experiments.get_run(run_id)
    assert api.get_permission_levels(experiment).permission_levels
    given = ExperimentAccessControlRequest(
        user_name=user.current_user.me().user_name,
        permission_level=ExperimentPermissionLevel.CAN_READ,
    )
    api.update_permissions(experiment, access_control_list=[given])
    assert user.experiments.get_run(run_id).run is not None
    with pytest.raises(PermissionDenied):
        user.experiments.log_param("p", "v", run_id=run_id)
    assert api.get_permissions(experiment).object_type == "mlflowExperiment"
    api.set_permissions(experiment, access_control_list=[])

    sdk.model_registry.create_model(f"lent-{MARK}")
    model = sdk.model_registry.get_model(f"lent-{MARK}").registered_model_databricks
    assert model is not None and model.id is not None
    with pytest.raises(PermissionDenied):
        user.model_registry.get_model(f"lent-{MARK}")
    assert sdk.model_registry.get_permission_levels(model.id).permission_levels
    lent = RegisteredModelAccessControlRequest(
        user_name=user.current_user.me().user_name,
        permission_level=RegisteredModelPermissionLevel.CAN_READ,
    )
    sdk.model_registry.update_permissions(model.id, access_control_list=[lent])
    assert f"lent-{MARK}" in {each.name for each in user.model_registry.search_models()}
    assert sdk.model_registry.get_permissions(model.id).access_control_list
    sdk.model_registry.set_permissions(model.id, access_control_list=[])


def test_pages_hold_what_may_be_read_and_are_full(sdk: WorkspaceClient, as_user: AsUser) -> None:
    user, names = as_user("pager"), []
    for number in range(3):
        make_experiment(sdk, f"{HOME}/hidden{number}")
        names.append(f"{HOME}/seen{number}")
        make_experiment(user, names[-1])
    page: Any = user.api_client.do(
        "POST", "/api/2.0/mlflow/experiments/search", body={"max_results": 2}
    )
    assert len(page["experiments"]) == 2 and page["next_page_token"]
    seen = [each.name for each in user.experiments.search_experiments(max_results=2)]
    assert sorted(name for name in seen if name and name.startswith(HOME)) == names


def test_the_mlflow_package_works_unchanged(whole_stack: Stack, tmp_path: Path) -> None:
    layout = whole_stack.layout
    environment = {
        **os.environ,
        "DATABRICKS_HOST": layout.api_url,
        "DATABRICKS_TOKEN": layout.secret("token"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), f"{HOME}/program"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "done"
