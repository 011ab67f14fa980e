"""What the API's services work with, made once by the composition root."""

from dataclasses import dataclass, field

from fastapi import Request

from control.auth import Authenticator
from control.db import Database
from control.hub import Hub
from control.internal.access import AttemptAccess
from control.metrics import Metrics
from control.objects import ObjectStore
from control.sealing import Sealer
from control.temporal import Launcher


@dataclass(frozen=True)
class Deps:
    """One process's collaborators."""

    database: Database
    launcher: Launcher
    objects: ObjectStore
    hub: Hub
    access: AttemptAccess
    sealer: Sealer
    worker_token: str = field(repr=False)
    public_url: str = "http://127.0.0.1:8780"
    """Where people reach the API; used in links."""
    metrics: Metrics = field(default_factory=Metrics)
    authenticator: Authenticator = field(default_factory=Authenticator)


def get_deps(request: Request) -> Deps:
    """Return the app's collaborators; for `Depends`."""
    deps: Deps = request.app.state.deps
    return deps
