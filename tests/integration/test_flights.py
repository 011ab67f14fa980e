"""The example job on real parts, held against numbers computed with pandas alone."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.examples import oracle
from tests.integration.stack import Stack, catalog, result_of

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

CHAIN = ["ingest", "clean", "daily_delays", "carrier_ranking", "check", "train", "report"]


@dataclass
class Flown:
    """One finished run of the example."""

    stack: Stack
    run: dict[str, Any]
    month: str
    carriers: str

    def task_run(self, task_key: str) -> int:
        return int(next(t["run_id"] for t in self.run["tasks"] if t["task_key"] == task_key))

    def get(self, path: str) -> Any:
        layout = self.stack.layout
        headers = {"Authorization": f"Bearer {layout.secret('token')}"}
        answer = httpx2.get(f"{layout.api_url}{path}", headers=headers, timeout=30)
        return answer.raise_for_status().json()


@pytest.fixture(
    scope="module",
    params=[("dev", "all", "all"), ("trino", "2", "UA,B6,DL")],
    ids=["duckdb", "trino"],
)
def flown(request: pytest.FixtureRequest, whole_stack: Stack) -> Flown:
    target, month, carriers = request.param
    job_id = whole_stack.deploy("flights", "--target", target)
    run_id = whole_stack.start_run(job_id, month=month, carriers=carriers)
    run = whole_stack.finished(run_id, within_s=500)
    if run["state"]["result_state"] != "SUCCESS":
        logs = [
            whole_stack.command("runs", "logs", str(task["run_id"]), check=False)[-3000:]
            for task in run["tasks"]
            if task["state"].get("result_state") == "FAILED"
        ]
        raise AssertionError(result_of(run) + "\n".join(logs))
    return Flown(whole_stack, run, month, carriers)


def test_every_task_ran_once(flown: Flown) -> None:
    assert sorted(task["task_key"] for task in flown.run["tasks"]) == sorted(CHAIN)
    assert {task["state"]["result_state"] for task in flown.run["tasks"]} == {"SUCCESS"}


def test_the_tables_are_what_pandas_says(flown: Flown) -> None:
    oracle.check_tables(catalog(flown.stack), flown.month, flown.carriers)


def test_every_snapshot_names_its_attempt(flown: Flown) -> None:
    tables = {
        "silver.flights": "clean",
        "gold.daily_delays": "daily_delays",
        "gold.carrier_ranking": "carrier_ranking",
    }
    for table, task_key in tables.items():
        snapshot = catalog(flown.stack).load_table(table).current_snapshot()
        assert snapshot is not None
        stamp = snapshot.summary.additional_properties
        assert stamp["openlake.task-run-id"] == str(flown.task_run(task_key))
        assert stamp["openlake.run-id"] == str(flown.run["run_id"])


def test_the_model_is_linked_to_its_task_run(flown: Flown, monkeypatch: Any) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", flown.stack.layout.secret("token"))
    client = mlflow.MlflowClient(flown.stack.layout.api_url)
    experiment = client.get_experiment_by_name("/flights")
    assert experiment is not None
    tag = f"tags.`openlake.task_run_id` = '{flown.task_run('train')}'"
    [run] = client.search_runs([experiment.experiment_id], filter_string=tag)
    assert int(run.data.params["rows"]) == oracle.training_rows(flown.month, flown.carriers)
    assert run.data.metrics["r2"] > oracle.baseline_r2(flown.month, flown.carriers) - 0.05
    assert "predicted.png" in {file.path for file in client.list_artifacts(run.info.run_id)}
    values = flown.get(f"/api/openlake/1.0/task-runs/{flown.task_run('train')}/output")["values"]
    assert values["r2"] == pytest.approx(run.data.metrics["r2"], abs=1e-4)


def test_the_lineage_graph_is_the_pipelines(flown: Flown) -> None:
    graph = flown.get(f"/api/openlake/1.0/lineage/runs/{flown.run['run_id']}")
    edges = {(edge["source"], edge["target"]) for edge in graph["edges"]}
    writes = {("ingest", f"bronze.{name}") for name in oracle.BRONZE_ROWS}
    writes |= {
        ("clean", "silver.flights"),
        ("daily_delays", "gold.daily_delays"),
        ("carrier_ranking", "gold.carrier_ranking"),
    }
    reads = {("clean", f"bronze.{name}") for name in ("flights", "weather", "planes")}
    reads |= {
        ("daily_delays", "silver.flights"),
        ("carrier_ranking", "silver.flights"),
        ("carrier_ranking", "bronze.airlines"),
    }
    wanted = {(f"job:flights.{job}", f"dataset:lakehouse.{table}") for job, table in writes}
    wanted |= {(f"dataset:lakehouse.{table}", f"job:flights.{job}") for job, table in reads}
    assert wanted <= edges, f"missing: {sorted(wanted - edges)}"


def test_the_gold_table_leads_back_to_all_its_sources(flown: Flown) -> None:
    table = "lakehouse.gold.carrier_ranking"
    graph = flown.get(f"/api/openlake/1.0/lineage/tables/{table}?depth=all")
    names = {node["name"] for node in graph["nodes"]}
    assert {"lakehouse.bronze.flights", "lakehouse.silver.flights", table} <= names
