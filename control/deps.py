"""What the API's services work with, made once by the composition root."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from fastapi import Request

from control.auth import Authenticator
from control.console.settings import ConsoleSettings
from control.db import Database
from control.gateway.upstream import Catalog
from control.git.checkouts import Checkouts
from control.git.client import GitClient
from control.hub import Hub
from control.internal.access import AttemptAccess
from control.jobs.snapshot_memory import Snapshots
from control.lakehouse.catalogs import Lakehouse
from control.limits import Buckets, Limits
from control.metrics import Metrics
from control.mlflow.memory import Tracking
from control.objects import ObjectStore
from control.runs.feed import RunFeed
from control.sealing import Sealer
from control.statements.desk import Desk
from control.statements.readers import Readers
from control.temporal import Launcher
from control.volumes.objects import FileStore
from spec.compute import ComputeProfile


@dataclass(frozen=True)
class Deps:
    """One process's collaborators."""

    database: Database
    launcher: Launcher
    objects: ObjectStore
    hub: Hub
    catalog: Catalog
    """Nessie itself, past the gateway."""
    access: AttemptAccess
    sealer: Sealer
    files: FileStore
    """Where volumes and DBFS are."""
    worker_token: str = field(repr=False)
    public_url: str = "http://127.0.0.1:8780"
    """Where people reach the API; used in links."""
    profiles: Mapping[str, ComputeProfile] = field(default_factory=dict[str, ComputeProfile])
    """The compute profiles that jobs may name."""
    git: GitClient = field(default_factory=GitClient)
    checkouts: Checkouts = field(default_factory=Checkouts)
    lakehouse: Lakehouse = field(default_factory=Lakehouse)
    """The catalogs that people look at."""
    history: timedelta = timedelta(days=30)
    """For how long table care leaves the files of what main held."""
    tracking: Tracking = field(default_factory=Tracking)
    """MLflow, behind the proxy."""
    metrics: Metrics = field(default_factory=Metrics)
    authenticator: Authenticator = field(default_factory=Authenticator)
    limits: Limits = field(default_factory=Limits)
    sign_ins: Buckets = field(default_factory=lambda: Buckets(rate=1 / 6, burst=10))
    """Sign-ins to the console that may fail, of one address: ten a minute."""
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    readers: Readers = field(default_factory=Readers)
    desk: Desk = field(default_factory=Desk)
    """Where the processes of warehouses wait for statements."""
    warehouses_touched: dict[tuple[int, str], float] = field(
        default_factory=dict[tuple[int, str], float]
    )
    """Until when, by the monotonic clock, a warehouse's use needs no further note."""
    snapshots: Snapshots = field(default_factory=Snapshots)
    """What this process has read of what runs work from."""

    @cached_property
    def run_feed(self) -> RunFeed:
        """What changes with runs, for all who follow it in this process."""
        return RunFeed(self.hub, self.database)


def get_deps(request: Request) -> Deps:
    """Return the app's collaborators; for `Depends`."""
    deps: Deps = request.app.state.deps
    return deps
