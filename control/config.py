"""Every setting of OpenLake, read once by the CLI and passed down.

Variables look like `OPENLAKE_DATA_DIR` and `OPENLAKE_PORTS__API`; a `.env` file in the working
directory is read as well. Nothing else in the code base reads the environment.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from spec.compute import ComputeProfile


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ports(_Group):
    """TCP ports of the embedded profile; every one binds to loopback only."""

    api: int = 8780
    gateway: int = 8781
    postgres: int = 8782
    temporal: int = 8783
    temporal_ui: int = 8784
    minio: int = 8785
    minio_console: int = 8786
    nessie: int = 8787
    nessie_management: int = 8788
    mlflow: int = 8789
    control_worker: int = 8790
    """Metrics of the control worker."""
    engine_worker: int = 8791
    """Metrics of the engine worker."""
    trino: int = 8792
    spark_connect: int = 8793


class Api(_Group):
    """What one client of the API may ask for; see docs/api.md."""

    requests_per_s: float = Field(default=200.0, gt=0)
    """Of one token, in the long run; each process of the API counts for itself."""
    burst_requests: int = Field(default=2_000, ge=1)
    """Of one token, at once after a pause."""
    max_body_mib: int = Field(default=32, ge=1)
    """Of a request; files and uploads have limits of their own."""


class ObjectStore(_Group):
    """The S3 server; leave `endpoint` unset to use the MinIO that `openlake up` starts."""

    endpoint: str | None = None
    region: str = "us-east-1"
    bucket: str = "openlake"
    """Logs and results: the control plane's own."""
    lakehouse_bucket: str = "lakehouse"
    """Table data: the only bucket that user code gets credentials for."""
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None


class Temporal(_Group):
    """The Temporal server; leave `address` unset to use the one that `openlake up` starts."""

    address: str | None = None
    namespace: str = "default"


class AirflowConnection(_Group):
    """One Airflow 3 that `airflow_task` may name; asked with a password or with a token."""

    url: str = Field(pattern="^https?://")
    """Of its API server, e.g. `https://airflow.example`."""
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "AirflowConnection":
        by_password = self.username is not None and self.password is not None
        if by_password == (self.token is not None):
            raise ValueError("give either 'username' and 'password', or 'token'")
        return self


class GitHost(_Group):
    """The token that one host of git repositories is shown."""

    user: str = "x-access-token"
    """GitHub takes any name; GitLab wants `oauth2`, Bitbucket `x-token-auth`."""
    token: SecretStr


class Git(_Group):
    """How the repositories of jobs with `git_source` are read."""

    hosts: dict[str, GitHost] = {}
    """Host → token, as JSON: `{"github.com": {"token": …}}`."""
    allow_file: bool = False
    """Let jobs name repositories in folders of this machine (`file:///…`)."""
    timeout_s: float = 45.0
    """Of one step; a client of the API waits a minute at most."""
    max_files: int = 5_000
    max_mib: int = 100


class Worker(_Group):
    """One engine worker process."""

    host: str | None = None
    """The name whose queue `tasks@<host>` only this machine polls; the host name when unset."""
    slots: int = 8
    """Task attempts that run at once on this worker."""
    spark_connect: bool = False
    """Run Spark tasks as clients of the warm Spark Connect server of the full profile: they start
    sooner, but share one JVM. Off, every attempt has a driver of its own."""
    lease_s: float = 15.0
    """An attempt whose runner has not renewed its lease for so long is declared lost."""
    compute_profiles: dict[str, ComputeProfile] = {}
    """What jobs may name as `existing_cluster_id` or `compute_profile`, as JSON:
    `{"big": {"spark_conf": {"spark.driver.memory": "8g"}}}`."""
    airflow: dict[str, AirflowConnection] = {}
    """The Airflow servers of this worker, as JSON: `{"airflow": {"url": …, "token": …}}`."""


class CatalogStorage(_Group):
    """The S3 server that holds the tables of a catalog."""

    endpoint: str = Field(pattern="^https?://")
    region: str = "us-east-1"
    access_key: SecretStr
    secret_key: SecretStr


class CatalogConnection(_Group):
    """A catalog beside the stack's own; see docs/catalogs.md."""

    type: Literal["rest", "hive"]
    uri: str = Field(pattern="^(https?|thrift)://")
    """Of an Iceberg REST server, without `/v1`, or of a Hive Metastore, `thrift://host:port`."""
    warehouse: str | None = None
    """What an Iceberg REST server calls the warehouse to show."""
    token: SecretStr | None = None
    """Shown to the server as it is."""
    credential: SecretStr | None = None
    """`client_id:client_secret`, for which the server gives a token (OAuth 2)."""
    oauth2_server_uri: str | None = None
    """Where the token comes from; the server's own `/v1/oauth/tokens` when unset."""
    scope: str = "catalog"
    storage: CatalogStorage | None = None
    """Where the files are; when unset, keys that the server vends, else the stack's own store."""

    @model_validator(mode="after")
    def _fits(self) -> "CatalogConnection":
        if (self.type == "hive") != self.uri.startswith("thrift://"):
            raise ValueError("'uri' begins with thrift:// for type hive, http(s):// for type rest")
        if self.token is not None and self.credential is not None:
            raise ValueError("give 'token' or 'credential', not both")
        if self.type == "hive" and (self.token or self.credential or self.warehouse):
            raise ValueError("type hive takes no 'token', 'credential' or 'warehouse'")
        return self


class Notifications(_Group):
    """How people and programs are told of runs."""

    allowed_networks: str = ""
    """Networks that webhooks and chat services may be in though they are not public, in CIDR
    notation, separated by commas; none when unset."""
    smtp_host: str | None = None
    """The mail server; without it no e-mail is sent."""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_sender: str | None = None
    """Whom e-mail comes from, `Name <address>` or an address; needed with `smtp_host`."""

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for word in value.split(","):
            if word.strip():
                ip_network(word.strip())
        return value


class Triggers(_Group):
    """How triggers are tended; see docs/triggers.md."""

    catch_up_s: float = Field(default=3600.0, ge=0)
    """A scheduled instant that was missed fires late when it is less than this ago."""
    look_every_s: float = Field(default=10.0, gt=0)
    """Pause between two looks at the files and tables that triggers watch."""


class Warehouses(_Group):
    """Where the processes of SQL warehouses run; see docs/warehouses.md."""

    host: Literal["local", "kubernetes"] = "local"
    """`local`: processes of this machine. `kubernetes`: a Deployment for each warehouse."""


class Lakehouse(_Group):
    """What is kept of tables; see docs/table-care.md."""

    history_days: float = Field(default=30.0, ge=1)
    """So long every state of every table stays readable, for replays and repairs, whatever a
    table_care task asks for. What branches stand at is kept for ever."""


def _default_data_dir() -> Path:
    """Return root's place for data, or the user's own.

    Root's home is closed to others, and PostgreSQL, which refuses to run as root, is one of them.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/openlake")
    return Path.home() / ".local" / "share" / "openlake"


class Settings(BaseSettings):
    """The whole tree; frozen after start."""

    model_config = SettingsConfigDict(
        env_prefix="OPENLAKE_",
        env_nested_delimiter="__",
        env_file=".env",
        frozen=True,
        extra="ignore",
    )

    data_dir: Path = Field(default_factory=_default_data_dir)
    """Everything the stack writes; `openlake down` and deleting it leaves nothing behind."""
    cache_dir: Path = Path.home() / ".cache" / "openlake"
    """Downloaded and built tools; safe to delete, slow to refill."""
    ports: Ports = Ports()
    api: Api = Api()
    object_store: ObjectStore = ObjectStore()
    temporal: Temporal = Temporal()
    worker: Worker = Worker()
    git: Git = Git()
    notifications: Notifications = Notifications()
    triggers: Triggers = Triggers()
    lakehouse: Lakehouse = Lakehouse()
    catalogs: dict[str, CatalogConnection] = {}
    """Catalogs that are shown beside the stack's own `lakehouse`, by name, as JSON:
    `{"hive": {"type": "hive", "uri": "thrift://metastore:9083"}}`."""

    @field_validator("catalogs")
    @classmethod
    def _have_names(cls, value: dict[str, CatalogConnection]) -> dict[str, CatalogConnection]:
        for name in value:
            if name == "lakehouse" or not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", name):
                raise ValueError(
                    f"'{name}' cannot name a catalog: letters, digits, _ and - make a name, and"
                    " 'lakehouse' is the stack's own"
                )
        return value

    warehouses: Warehouses = Warehouses()
