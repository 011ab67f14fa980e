"""What a person's own program does with mlflow; it knows nothing of OpenLake.

`test_mlflow` runs it with DATABRICKS_HOST and DATABRICKS_TOKEN.
"""

import os
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import mlflow
import mlflow.artifacts
import numpy as np
from mlflow import MlflowClient
from mlflow.sklearn import autolog, log_model
from sklearn.linear_model import LinearRegression

EXPERIMENT = sys.argv[1]


def log_a_run() -> tuple[str, str]:
    """Log of everything a bit; return the run's id and the model's address."""
    folder = Path(mkdtemp())
    (folder / "empty").write_text("")
    (folder / "deep").mkdir()
    (folder / "deep" / "größe & co.txt").write_text("deep")
    x, y = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
    with mlflow.start_run(run_name="by hand") as run:
        mlflow.log_metric("loss", 1.5, step=1)
        mlflow.log_metrics({"a": 1, "b": 2})
        mlflow.log_params({"alpha": 0.1})
        mlflow.set_tag("note", "x")
        mlflow.log_text("hello", "texts/hello.txt")
        mlflow.log_artifacts(str(folder), "all")
        model = log_model(
            LinearRegression().fit(x, y),
            name="line",
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )
    return run.info.run_id, model.model_uri


def read_it_back(run_id: str, model_uri: str) -> None:
    """Read what was logged."""
    client = MlflowClient()
    assert {file.path for file in client.list_artifacts(run_id)} == {"all", "texts"}
    assert {file.path for file in client.list_artifacts(run_id, "all")} == {"all/empty", "all/deep"}
    root = mlflow.get_run(run_id).info.artifact_uri
    assert mlflow.artifacts.load_text(f"{root}/texts/hello.txt") == "hello"
    copy = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="all")
    assert (Path(copy) / "deep" / "größe & co.txt").read_text() == "deep"
    assert (Path(copy) / "empty").read_bytes() == b""
    loaded: Any = mlflow.pyfunc.load_model(model_uri)
    assert abs(loaded.predict(np.array([[4.0]]))[0] - 4) < 1e-6
    runs: Any = mlflow.search_runs(experiment_names=[EXPERIMENT])
    assert list(runs["metrics.loss"]) == [1.5]


def register(model_uri: str) -> None:
    """Register the model, and load it from the registry."""
    mlflow.set_registry_uri("databricks")
    version = mlflow.register_model(model_uri, "line")
    loaded: Any = mlflow.pyfunc.load_model(f"models:/line/{version.version}")
    assert abs(loaded.predict(np.array([[4.0]]))[0] - 4) < 1e-6


def log_by_itself() -> None:
    """Let autologging do it."""
    autolog(log_models=False)
    with mlflow.start_run() as run:
        LinearRegression().fit(np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
    assert mlflow.get_run(run.info.run_id).data.metrics["training_r2_score"] == 1.0


def main() -> None:
    """Do all of it."""
    mlflow.set_tracking_uri("databricks")
    mlflow.set_experiment(EXPERIMENT)
    run_id, model_uri = log_a_run()
    read_it_back(run_id, model_uri)
    register(model_uri)
    log_by_itself()
    assert os.environ["DATABRICKS_TOKEN"]
    print("done")


if __name__ == "__main__":
    main()
