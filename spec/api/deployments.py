"""Requests and answers of `deployments`: what a bundle has put into the workspace.

OpenLake's own API. A deployment is known by its bundle's name, its target and its root folder. It
remembers under which id each resource of the bundle was made, so that deploying again finds what
was there before, whatever has been renamed.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

MOST_RESOURCES = 1000
MOST_FILES = 10_000
LEASE_S = 60
"""A lock that nobody has renewed for so long may be taken by somebody else."""

MOST_PRINCIPALS = 1000

Given = dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=50)]]
"""Who (`user_name ann`) → level."""

Outer = Annotated[str, Field(pattern="^(directories|deployments)$")]

ShortText = Annotated[str, Field(min_length=1, max_length=255)]
Path = Annotated[str, Field(min_length=1, max_length=1000)]


class DeployedFile(Model):
    """One uploaded file."""

    path: Path
    """In the workspace, as `workspace/list` spells it."""
    sha256: str = Field(min_length=64, max_length=64)
    """Of what it held; of a wheel, of the names and contents of its files."""
    modified_at: int = Field(ge=0)
    """As `workspace/list` said after the upload, in milliseconds: when it differs, somebody else
    has written the file."""


class DeployedResource(Model):
    """One resource of a bundle."""

    kind: ShortText
    """As under `resources` in the bundle, e.g. `jobs`."""
    key: ShortText
    name: str = Field(max_length=4096)
    object_id: str | None = Field(default=None, max_length=1000)
    """None while it is being made: whoever deploys next looks whether it is there."""
    permissions: Given = Field(default={}, max_length=MOST_PRINCIPALS)
    """What the bundle gave on it, or is about to give: it takes nothing else back."""


class ResourceKey(Model):
    """Names one resource of a bundle."""

    kind: ShortText
    key: ShortText


class BeginDeployment(Model):
    """Request of `POST deployments/begin`: take the lock, so that one deploys at a time."""

    bundle_name: ShortText
    target: ShortText
    root_path: Path
    holder: ShortText
    """Who will hold the lock, for others to read, e.g. `ann@laptop`."""
    version: int = Field(default=0, ge=0)
    """The one that the plan was made from; 0: there was no deployment."""
    force: bool = False
    """Take the lock even if somebody holds it."""


class RecordDeployment(Model):
    """Request of `POST deployments/{id}/record`: note what was done; this also renews the lock."""

    lock_id: str
    resources: tuple[DeployedResource, ...] = Field(default=(), max_length=MOST_RESOURCES)
    """Those that are new or have changed."""
    forgotten: tuple[ResourceKey, ...] = Field(default=(), max_length=MOST_RESOURCES)
    """Those that are no more."""
    files: tuple[DeployedFile, ...] | None = Field(default=None, max_length=MOST_FILES)
    """All files that are there now; None leaves what was noted before."""
    permissions: dict[Outer, Given] | None = None
    """All that the bundle gave on its folder and on the deployment itself; None leaves what was
    noted before."""


class FinishDeployment(Model):
    """Request of `POST deployments/{id}/finish`: let go of the lock."""

    lock_id: str
    outcome: Annotated[str, Field(pattern="^(deployed|destroyed|failed)$")]
    """`destroyed` also forgets the deployment; nothing may be left of it."""


class DeploymentLock(Frozen):
    """Who deploys at the moment."""

    holder: str
    since: datetime
    until: datetime
    """Unless it is renewed before."""


class DeploymentView(Frozen):
    """One deployment."""

    deployment_id: str
    bundle_name: str
    target: str
    root_path: str
    version: int
    """Counts up with everything that is noted."""
    created_by: str
    created_at: datetime
    deployed_by: str | None = None
    """Who last finished a deployment; None: nobody has yet."""
    deployed_at: datetime | None = None
    lock: DeploymentLock | None = None


class DeploymentDetails(DeploymentView):
    """One deployment with all that it put into the workspace."""

    resources: tuple[DeployedResource, ...] = ()
    files: tuple[DeployedFile, ...] = ()
    permissions: dict[str, Given] = {}
    """`directories` and `deployments`: what the bundle gave on its folder and on the deployment."""


class BegunDeployment(Frozen):
    """Answer of `POST deployments/begin`."""

    lock_id: str
    """To be given with every step; whoever takes the lock over makes it void."""
    deployment: DeploymentDetails


class DeploymentList(Frozen):
    """Answer of `GET deployments`, newest first."""

    deployments: tuple[DeploymentView, ...] = ()
    next_page_token: str | None = None
