"""A warm Spark Connect server, of the full profile: sessions start in two seconds, not in ten."""

import socket
from importlib.metadata import version as package_version
from pathlib import Path

from control.stack.environment import openlake_command, settings_environment
from control.stack.layout import LOOPBACK, Layout
from control.stack.part import Command, Part, Unhealthy, write_private

_CATALOG = "spark.sql.catalog.lakehouse"


class SparkConnect(Part):
    """Clients give each session its own token: `spark.sql.catalog.lakehouse.token`."""

    name = "spark-connect"
    title = "Spark Connect"
    needs = ("minio", "gateway")
    tools = ("spark-jars",)
    ports = ("spark_connect",)
    start_timeout_s = 120.0
    kill_tree = True
    advice = "read `openlake logs spark-connect`"

    @property
    def address(self) -> str:
        """See base class."""
        return self.layout.spark_connect_url

    def version(self) -> str:
        """See base class."""
        return package_version("pyspark")

    def prepare(self) -> None:
        """Write Spark's settings, which hold the lakehouse's keys."""
        lines = (f"{name} {value}" for name, value in self._settings().items())
        write_private(properties_file(self.layout), "\n".join(lines) + "\n")

    def _settings(self) -> dict[str, str]:
        access = self.layout.s3("lakehouse")
        return {
            "spark.app.name": "openlake-spark-connect",
            "spark.ui.enabled": "false",
            "spark.log.level": "WARN",
            "spark.local.dir": str(self.folder / "tmp"),
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": str(self.port()),
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.sql.shuffle.partitions": "8",
            "spark.sql.extensions": (
                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
            ),
            _CATALOG: "org.apache.iceberg.spark.SparkCatalog",
            f"{_CATALOG}.type": "rest",
            f"{_CATALOG}.uri": self.layout.gateway_iceberg_url,
            f"{_CATALOG}.warehouse": "lakehouse",
            f"{_CATALOG}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            f"{_CATALOG}.s3.endpoint": access.endpoint,
            f"{_CATALOG}.s3.path-style-access": "true",
            f"{_CATALOG}.s3.access-key-id": access.access_key,
            f"{_CATALOG}.s3.secret-access-key": access.secret_key,
            f"{_CATALOG}.client.region": access.region,
        }

    def command(self) -> Command:
        """See base class."""
        return Command(
            openlake_command("spark-connect"),
            settings_environment(self.layout),
            cwd=self.folder,
            basis=self._settings(),
        )

    def check(self) -> None:
        """See base class."""
        try:
            socket.create_connection((LOOPBACK, self.port()), timeout=2).close()
        except OSError as error:
            raise Unhealthy(f"{self.address} cannot be reached ({error})") from None


def properties_file(layout: Layout) -> Path:
    """Return where the server's settings are."""
    return layout.part_dir(SparkConnect.name) / "spark.properties"
