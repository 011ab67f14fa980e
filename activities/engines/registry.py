"""Where each engine's class is; imported on use, so that a worker loads only what it serves."""

from importlib import import_module

from activities.config import WorkerConfig
from activities.engines.base import EngineAdapter
from spec.tasks import Engine

ENGINES: dict[Engine, str] = {
    Engine.PYTHON: "activities.engines.process:PythonEngine",
    Engine.SPARK: "activities.engines.spark:SparkEngine",
    Engine.DUCKDB: "activities.engines.duckdb:DuckdbEngine",
    Engine.TRINO: "activities.engines.trino:TrinoEngine",
    Engine.AIRFLOW: "activities.engines.airflow:AirflowEngine",
}


def load(engine: Engine, config: WorkerConfig) -> EngineAdapter:
    """Import the engine's class and make one for this worker."""
    module, _, name = ENGINES[engine].partition(":")
    adapter: EngineAdapter = getattr(import_module(module), name)(config)
    return adapter
