"""What Spark is told of an attempt: catalog, lineage, log; and what the task asks for."""

from collections.abc import Mapping

from activities.config import WorkerConfig
from activities.folder import AttemptFolder
from activities.libraries import maven
from spec.attempts import AttemptWork, TableCareProgram
from spec.spark_conf import WITHOUT_EFFECT, merge_conf

LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
""" + "".join(
    f"logger.quiet{n}.name = {name}\nlogger.quiet{n}.level = error\n"
    for n, name in enumerate(
        (
            "org.apache.hadoop.util.NativeCodeLoader",
            "io.openlineage",
            # Old names of settings, large tasks, a loopback address: nothing that a person can use.
            "org.apache.spark.SparkConf",
            "org.apache.spark.util.Utils",
            "org.apache.spark.scheduler.TaskSetManager",
            "org.apache.spark.sql.catalyst.util.SparkStringUtils",
            "org.apache.spark.sql.catalyst.analysis.ResolveSessionCatalog",
        )
    )
)


def driver_settings(
    config: WorkerConfig, work: AttemptWork, folder: AttemptFolder
) -> dict[str, str]:
    """Return Spark's settings for an attempt with a driver of its own; they hold secrets.

    What the task asks for wins over what merely suits a small machine, never over what makes the
    attempt find its tables and tell its lineage.
    """
    asked = {k: v for k, v in work.compute.spark_conf.items() if k not in WITHOUT_EFFECT}
    files = {
        name: ",".join(str(folder.work / path) for path in paths)
        for name, paths in work.compute.spark_files.items()
    }
    if jars := maven.jars(config, work.compute.maven):
        fetched = ",".join(map(str, jars))
        files["spark.jars"] = ",".join(filter(None, (files.get("spark.jars"), fetched)))
    for name, value in files.items():
        asked[name] = ",".join(filter(None, (asked.get(name), value)))
    return merge_conf(_suiting(work, folder), asked, _own(work, folder))


def _suiting(work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    return {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder.tmp / "warehouse"),
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.defaultCatalog": work.catalog.name,
    }


def _own(work: AttemptWork, folder: AttemptFolder) -> dict[str, str]:
    return {
        "spark.app.name": work.key,
        **_catalog_settings(work),
        # Table care moves no data from table to table, and the listener cannot read its plans.
        **({} if isinstance(work.program, TableCareProgram) else _lineage_settings(work, folder)),
    }


def _catalog_settings(work: AttemptWork) -> dict[str, str]:
    """Return the settings that make the gateway, with the attempt's token, a catalog."""
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
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        **{f"{prefix}.{name}": value for name, value in properties.items()},
    }


def session_settings(work: AttemptWork) -> dict[str, str]:
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
