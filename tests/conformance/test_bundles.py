"""A bundle of two targets through `openlake bundle`, from the first check to nothing left."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound

from tests.conformance.conftest import AsUser
from tests.integration.stack import Stack

FOLDER = Path(__file__).parent / "bundle"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundle."""
    return Path(shutil.copytree(FOLDER, tmp_path / "shop"))


def actions(planned: dict[str, Any]) -> dict[str, str]:
    """Return what is done to what, but for what stays."""
    entries: dict[str, dict[str, Any]] = planned["resources"]
    return {at: e["action"] for at, e in entries.items() if e["action"] != "unchanged"}


def newest_audit(sdk: WorkspaceClient) -> int:
    """Return the id of the newest entry of the audit log."""
    answer: Any = sdk.api_client.do("GET", "/api/openlake/1.0/audit", query={"limit": 1})
    return int(answer["entries"][0]["audit_id"])


def test_a_bundle_lives_from_its_first_check_to_its_end(
    whole_stack: Stack, sdk: WorkspaceClient, as_user: AsUser, folder: Path
) -> None:
    def bundle(word: str, *words: str) -> Any:
        return json.loads(whole_stack.command("bundle", word, "--output", "json", *words))

    here = str(folder)
    resolved = bundle("validate", here)
    nightly = resolved["resources"]["jobs"]["nightly"]
    assert nightly["name"].startswith("[dev ") and nightly["tags"]["stage"] == "dev"
    assert nightly["schedule"]["pause_status"] == "PAUSED"
    assert nightly["tasks"][2]["sql_task"]["warehouse_id"] == "duckdb", "it was looked up"
    made = bundle("deploy", here)
    job_id = made["jobs"]["nightly"]["job_id"]
    try:
        job = sdk.jobs.get(job_id)
        assert job.settings is not None and job.settings.deployment is not None
        assert job.settings.deployment.kind is not None
        before = newest_audit(sdk)
        again = bundle("deploy", here)
        assert {e["action"] for kind in again.values() for e in kind.values()} == {"unchanged"}
        assert newest_audit(sdk) == before, "deploying again writes nothing"
        assert as_user("bundle-reader").jobs.get(job_id).job_id == job_id, "users may look"
        (folder / "src" / "query.sql").write_text("SELECT 43 AS answer\n")
        planned = bundle("plan", here, "--var", "greeting=hi")
        assert actions(planned) == {"jobs.nightly": "update"}
        assert [path.rpartition("/")[2] for path in planned["files"]["upload"]] == ["query.sql"]
        bundle("deploy", here, "--var", "greeting=hi")
        ran = bundle(
            "run", "nightly", "--folder", here, "--var", "greeting=hi", "--", "--greeting", "good"
        )
        assert ran["state"]["result_state"] == "SUCCESS"
        script = next(task for task in ran["tasks"] if task["task_key"] == "script")
        log = whole_stack.command("runs", "logs", str(script["run_id"]))
        assert "good from the wheel" in log
        told = bundle("summary", here)
        assert told["resources"]["jobs"]["nightly"]["id"] == str(job_id)
        assert str(job_id) in told["resources"]["jobs"]["nightly"]["url"]
        with pytest.raises(AssertionError, match="give --auto-approve if that is meant"):
            bundle("destroy", here)
    finally:
        bundle("destroy", here, "--auto-approve")
    with pytest.raises(NotFound):
        sdk.jobs.get(job_id)
    assert not [s for s in sdk.secrets.list_scopes() if s.name == "conformance-shop-dev"]
