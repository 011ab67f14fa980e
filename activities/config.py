"""What an engine worker must know; the CLI fills it from the settings."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class AirflowServer:
    """One Airflow 3, and as whom to ask it: by name and password, or by a token."""

    url: str
    """Of its API server, e.g. `https://airflow.example`."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class WorkerConfig:
    """One engine worker process."""

    control_url: str
    """Where the internal API is, e.g. `http://127.0.0.1:8780`."""
    worker_token: str = field(repr=False)
    host: str
    """The name whose queue only this machine polls."""
    folder: Path
    """Root of the attempt folders; must survive a restart of the worker."""
    slots: int = 8
    """Attempts that run at once, whatever their engine."""
    lease_s: float = 15.0
    """A runner that is silent for so long has lost its work."""
    grace_s: float = 3.0
    """Between SIGTERM and SIGKILL when an attempt is stopped. A cancelled run's work is gone within
    5 seconds; the rest is the way of the cancellation: Temporal's answer to a heartbeat."""
    python: Path = Path(sys.executable)
    """The interpreter that runs user code."""
    java_home: Path | None = None
    spark_jars: Path | None = None
    """Folder of the jars that Spark gets beside its own: Iceberg, AWS, OpenLineage."""
    uv: Path | None = None
    """Installs Python libraries."""
    ivy_settings: Path | None = None
    """Says where Maven artifacts come from; Ivy's own settings when None."""
    java_network: tuple[str, ...] = ()
    """Options that tell Java this machine's certificates and proxy."""
    installer_environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """What installers find: PATH, package indexes, proxies, certificates. User code never does."""
    dbt_python: Path | None = None
    """The interpreter of dbt's own environment."""
    spark_connect_url: str | None = None
    trino_url: str | None = None
    airflow: Mapping[str, AirflowServer] = field(default_factory=dict[str, AirflowServer])
    """The Airflow servers that tasks may name, by the name of their connection."""
    uid: int | None = None
    """The user that user code runs as; None is the worker's own. See `isolation.can_isolate`."""
