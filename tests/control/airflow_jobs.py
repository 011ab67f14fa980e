"""Jobs for the tests of what is written for Airflow."""

from typing import Any

from spec.jobs import JobSettings


def task(key: str, *needs: str, **more: Any) -> dict[str, Any]:
    """Make a SQL task."""
    query = {"warehouse_id": "duckdb", "query": {"query_id": "q"}}
    query["parameters"] = more.pop("parameters", {})
    return {
        "task_key": key,
        "depends_on": [{"task_key": need} for need in needs],
        "sql_task": query,
        **more,
    }


def job(*tasks: dict[str, Any], **more: Any) -> JobSettings:
    """Make a job."""
    return JobSettings.model_validate({"name": "nightly", "tasks": tasks, **more})
