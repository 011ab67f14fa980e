"""Requests and answers of `/api/openlake/1.0/workspaces`."""

from typing import Annotated

from pydantic import Field

from spec.api.scim import Line, UserName
from spec.api.tokens import NewToken
from spec.attempts import Frozen
from spec.model import Model

MOST_RUNS = 100_000

WorkspaceName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
]
Quota = Annotated[int, Field(ge=1, le=MOST_RUNS)]


class WorkspaceSettings(Model):
    """What a workspace is set to; `null` takes a setting away."""

    default_catalog: Line | None = None
    """Of a statement or a SQL task where neither it nor its warehouse names one."""
    default_warehouse_id: Annotated[str, Field(max_length=100)] | None = None
    """Of a statement, a SQL task or a saved query that names none."""
    max_concurrent_runs: Quota | None = None
    """Runs of all its jobs that may be active at once; further ones wait in a queue."""


class CreateWorkspace(WorkspaceSettings):
    """Request of `POST workspaces`."""

    name: WorkspaceName
    admin: UserName | None = None
    """The name of its first user, who is an admin; the caller's own name by default."""


class UpdateWorkspace(WorkspaceSettings):
    """Request of `PATCH workspaces/{workspace_id}`; what is left out stays."""

    name: WorkspaceName | None = None


class WorkspaceView(Frozen):
    """One workspace."""

    workspace_id: int
    name: str
    default_catalog: str | None = None
    default_warehouse_id: str | None = None
    max_concurrent_runs: int | None = None
    created_at: int
    """Milliseconds since 1970."""


class CreatedWorkspace(WorkspaceView):
    """Answer of `POST workspaces`; the only time that the token is shown."""

    admin: str
    token_value: str


class WorkspaceList(Frozen):
    """Answer of `GET workspaces`, oldest first."""

    workspaces: tuple[WorkspaceView, ...] = ()
    next_page_token: str | None = None


class AddMember(Model):
    """Request of `POST workspaces/{workspace_id}/members`."""

    user_name: UserName
    display_name: Line | None = None
    admin: bool = False
    with_token: bool = True
    """Make a first token for the user."""


class MemberView(Frozen):
    """One user or service principal of a workspace."""

    id: str
    """As in SCIM."""
    user_name: str
    display_name: str
    kind: str
    """`user` or `service_principal`."""
    admin: bool
    active: bool


class AddedMember(MemberView):
    """Answer of `POST workspaces/{workspace_id}/members`."""

    token_value: str | None = None
    """Shown this once."""


class MemberList(Frozen):
    """Answer of `GET workspaces/{workspace_id}/members`, by name."""

    members: tuple[MemberView, ...] = ()


class CreateMemberToken(NewToken):
    """Request of `POST workspaces/{workspace_id}/members/{user_name}/tokens`."""
