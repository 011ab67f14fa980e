"""What the server remembers of a deployment, and its lock."""

import getpass
import os
import socket
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from control.cli.client import Api
from spec.api.deployments import (
    LEASE_S,
    BegunDeployment,
    DeployedFile,
    DeployedResource,
    DeploymentDetails,
)
from spec.bundle_ids import ResourceKey
from spec.errors import OpenLakeError

if TYPE_CHECKING:
    from spec.bundle import Bundle

_BASE = "/api/openlake/1.0/deployments"
_RENEW_S = LEASE_S / 3


def find(api: Api, bundle: "Bundle") -> DeploymentDetails | None:
    """Return the bundle's deployment; None when it was never deployed."""
    where = {"bundle_name": bundle.name, "target": bundle.target, "root_path": bundle.root_path}
    found = api.get(_BASE, **where).get("deployments", [])
    if not found:
        return None
    return DeploymentDetails.model_validate(api.get(f"{_BASE}/{found[0]['deployment_id']}"))


class Lock:
    """A deployment that nobody else changes meanwhile; notes what is done.

    Every method raises `Refused` when somebody has taken the lock over.
    """

    def __init__(self, api: Api, begun: BegunDeployment) -> None:
        """See class."""
        self.deployment_id = begun.deployment.deployment_id
        self._api = api
        self._lock_id = begun.lock_id
        self._renewed_at = time.monotonic()

    def keep(self) -> None:
        """Renew the lock, if that is due."""
        if time.monotonic() - self._renewed_at > _RENEW_S:
            self._record({})

    def intend(self, at: ResourceKey, name: str) -> None:
        """Note that a resource is about to be made."""
        self._record({"resources": [{"kind": at.kind, "key": at.key, "name": name}]})

    def made(
        self,
        at: ResourceKey,
        name: str,
        object_id: str,
        permissions: Mapping[str, str] | None = None,
    ) -> None:
        """Note a resource that is there now, with what the bundle gives on it."""
        entry = DeployedResource(
            kind=at.kind,
            key=at.key,
            name=name,
            object_id=object_id,
            permissions=dict(permissions or {}),
        )
        self._record({"resources": [entry.model_dump()]})

    def forget(self, at: ResourceKey) -> None:
        """Note that a resource is no more."""
        self._record({"forgotten": [{"kind": at.kind, "key": at.key}]})

    def files(self, there: Iterable[DeployedFile]) -> None:
        """Note all files that are there now."""
        self._record({"files": [each.model_dump() for each in there]})

    def given(self, outer: Mapping[str, Mapping[str, str]]) -> None:
        """Note what the bundle gives on its folder and on the deployment."""
        self._record({"permissions": {kind: dict(each) for kind, each in outer.items()}})

    def finish(self, outcome: str) -> None:
        """Let go."""
        body = {"lock_id": self._lock_id, "outcome": outcome}
        self._api.post(f"{_BASE}/{self.deployment_id}/finish", body)

    def _record(self, done: dict[str, Any]) -> None:
        body = {"lock_id": self._lock_id, **done}
        self._api.post(f"{_BASE}/{self.deployment_id}/record", body)
        self._renewed_at = time.monotonic()


@contextmanager
def locked(api: Api, bundle: "Bundle", version: int, *, force: bool) -> Generator[Lock]:
    """Hold the lock of a bundle's deployment while the block runs.

    Args:
        api: The API.
        bundle: Whose deployment; it is made if there is none.
        version: What the plan was made from.
        force: Take the lock from whoever holds it.

    Raises:
        Refused: somebody else holds it, or has deployed since the plan was made.
    """
    body = {
        "bundle_name": bundle.name,
        "target": bundle.target,
        "root_path": bundle.root_path,
        "holder": f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}",
        "version": version,
        "force": force,
    }
    lock = Lock(api, BegunDeployment.model_validate(api.post(f"{_BASE}/begin", body)))
    try:
        yield lock
    except (OpenLakeError, KeyboardInterrupt):
        _let_go(lock)
        raise


def _let_go(lock: Lock) -> None:
    try:
        lock.finish("failed")
    except OpenLakeError:
        return  # Then it ends by itself.
