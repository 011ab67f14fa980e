"""An unchanged Spark through the gateway: stamped, fenced, and unharmed by the gateway's death."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from activities.engines.spark_command import spark_environment, spark_submit_command
from control.gateway.tokens import AttemptClaims, issue
from control.stack.install import install
from control.stack.progress import Silent
from tests.gateway.conftest import Gateway, Opener
from tests.gateway.make import KEY, attempt_claims

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Spark:
    """One Spark application that takes SQL."""

    folder: Path
    process: subprocess.Popen[bytes]
    asked: int = 0

    def sql(self, statement: str, patience_s: float = 120) -> list[list[Any]]:
        number, self.asked = self.asked, self.asked + 1
        draft = self.folder / "sql.draft"
        draft.write_text(statement)
        draft.rename(self.folder / f"{number}.sql")
        answer = self.folder / f"{number}.json"
        deadline = time.monotonic() + patience_s
        while not answer.exists():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, f"no answer to {statement}"
            time.sleep(0.05)
        content = json.loads(answer.read_text())
        if "error" in content:
            raise RuntimeError(content["error"])
        return content["rows"]


@pytest.fixture
def spark(gateway: Gateway, tmp_path: Path, run_id: int) -> Iterator[Spark]:
    install(gateway.layout, ["spark-jars"], Silent())
    layout, claims = gateway.layout, attempt_claims(run_id=run_id)
    properties = tmp_path / "spark.properties"
    properties.write_text("".join(f"{k} {v}\n" for k, v in _settings(gateway, claims).items()))
    command = spark_submit_command(
        layout.java_home_21,
        layout.spark_home,
        master="local[2]",
        app=Path(__file__).with_name("spark_program.py"),
        app_args=[str(tmp_path)],
        jars=sorted(layout.spark_jars.glob("*.jar")),
        properties=properties,
    )
    environment = os.environ | spark_environment(
        layout.java_home_21, layout.spark_home, Path(sys.executable)
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    spark = Spark(tmp_path, process)
    yield spark
    (tmp_path / f"{spark.asked}.sql").write_text("stop")
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


def _settings(gateway: Gateway, claims: AttemptClaims) -> dict[str, str]:
    catalog, s3 = "spark.sql.catalog.lakehouse", gateway.layout.s3("lakehouse")
    return {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.defaultCatalog": "lakehouse",
        "spark.sql.shuffle.partitions": "2",
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "rest",
        f"{catalog}.uri": gateway.url,
        f"{catalog}.warehouse": "lakehouse",
        f"{catalog}.rest.auth.type": "oauth2",
        f"{catalog}.oauth2-server-uri": f"{gateway.url}/v1/oauth/tokens",
        f"{catalog}.token": issue(KEY, claims),
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.s3.endpoint": s3.endpoint,
        f"{catalog}.s3.path-style-access": "true",
        f"{catalog}.s3.access-key-id": s3.access_key,
        f"{catalog}.s3.secret-access-key": s3.secret_key,
        f"{catalog}.client.region": s3.region,
    }


async def test_spark_is_stamped_survives_the_gateways_death_and_is_fenced(
    gateway: Gateway, opened: Opener, run_id: int, spark: Spark
) -> None:
    claims = await opened(attempt_claims(run_id=run_id))
    spark.sql("CREATE NAMESPACE spark_ns")
    spark.sql("CREATE TABLE spark_ns.t (x BIGINT) USING iceberg")
    spark.sql("INSERT INTO spark_ns.t VALUES (1)")
    [[stamp]] = spark.sql("SELECT summary['openlake.task-run-id'] FROM spark_ns.t.snapshots")
    assert stamp == str(claims.task_run_id)

    # The gateway is killed after the catalog has committed and before Spark has its answer.
    gateway.fault.write_text("die commit-table")
    spark.sql("INSERT INTO spark_ns.t VALUES (2)")
    assert not gateway.fault.exists()
    gateway.fault.write_text("die commit-table")
    spark.sql("CREATE OR REPLACE TABLE spark_ns.u USING iceberg AS SELECT 4 AS x")
    gateway.fault.write_text("die create-table")
    spark.sql("CREATE TABLE spark_ns.v (x BIGINT) USING iceberg")
    assert spark.sql("SELECT x FROM spark_ns.t ORDER BY x") == [[1], [2]]
    assert spark.sql("SELECT x FROM spark_ns.u") == [[4]]

    second = await opened(attempt_claims(2, run_id=run_id))
    with pytest.raises(RuntimeError, match="ForbiddenException: Forbidden: attempt 0"):
        spark.sql("INSERT INTO spark_ns.t VALUES (3)")
    table = gateway.pyiceberg(second).load_table("spark_ns.t")
    assert sorted(table.scan().to_arrow()["x"].to_pylist()) == [1, 2]
