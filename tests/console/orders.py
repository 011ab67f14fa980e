"""A job of two SQL tasks whose tables the tests of the catalog and of lineage look at."""

import io
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from databricks.sdk.service.workspace import ImportFormat

from tests.integration.stack import Stack, result_of

_FOLDER = "/Workspace/Shared/console_orders"

_LOAD = """\
CREATE SCHEMA lakehouse.{schema};
CREATE TABLE lakehouse.{schema}.orders (id INTEGER, city VARCHAR, amount DOUBLE);
INSERT INTO lakehouse.{schema}.orders VALUES (1, 'Hamburg', 12.5), (2, 'Bremen', 7);
INSERT INTO lakehouse.{schema}.orders VALUES (3, 'Hamburg', 1.5);
"""

_SUM = """\
CREATE TABLE lakehouse.{schema}.totals (place VARCHAR, total DOUBLE);
INSERT INTO lakehouse.{schema}.totals
SELECT city AS place, sum(amount) AS total FROM lakehouse.{schema}.orders GROUP BY city;
"""


class Orders(NamedTuple):
    """What the job is called and where its run is."""

    job: str
    job_id: int
    run_id: int
    schema: str

    def table(self, name: str) -> str:
        """Return the full name of a table of the schema."""
        return f"lakehouse.{self.schema}.{name}"


_made: dict[Path, Orders] = {}


def make_orders(stack: Stack) -> Orders:
    """Make the job and run it, once for all tests on a stack."""
    if stack.data_dir not in _made:
        _made[stack.data_dir] = _make(stack)
    return _made[stack.data_dir]


def _make(stack: Stack) -> Orders:
    client = stack.client()
    schema = f"console_orders_{uuid4().hex[:8]}"
    client.workspace.mkdirs(_FOLDER)

    def task(key: str, text: str, *after: str) -> dict[str, Any]:
        path = f"{_FOLDER}/{key}_{schema}.sql"
        content = io.BytesIO(text.format(schema=schema).encode())
        client.workspace.upload(path, content, format=ImportFormat.AUTO, overwrite=True)
        sql = {"file": {"path": path}, "warehouse_id": "duckdb"}
        return {
            "task_key": key,
            "sql_task": sql,
            "depends_on": [{"task_key": each} for each in after],
        }

    settings = {
        "name": schema.replace("_", "-"),
        "tasks": [task("load", _LOAD), task("sum_up", _SUM, "load")],
    }
    job: Any = client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)
    run = stack.finished(stack.start_run(job["job_id"]))
    assert result_of(run) == "SUCCESS"
    return Orders(settings["name"], job["job_id"], run["run_id"], schema)
