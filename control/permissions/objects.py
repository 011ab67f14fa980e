"""What the Permissions API can be asked about: types as requests name them, and their objects."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.alerts import store as alerts
from control.deployments import store as deployments
from control.files.tables import FileKind, WorkspaceFile
from control.jobs import store as jobs
from control.mlflow import store as tracked
from control.permissions.folders import KINDS, ROOT, ROOT_ID
from control.permissions.levels import EVERY_TOKEN, Kind
from control.policies import store as policies
from control.pools import store as pools
from control.queries import store as queries
from control.warehouses import store as warehouses
from spec.errors import Invalid, NotFound


@dataclass(frozen=True)
class Target:
    """One object whose permissions are asked for."""

    kind: Kind
    object_id: str
    place: str
    """What stands before its id in `object_id` on the wire, e.g. `/jobs/`."""
    path: str | None = None
    """Of what lies in the workspace's folders."""

    @classmethod
    def job(cls, job_id: int) -> "Target":
        """Return a job, or what a one-time submitted run has in its place."""
        return cls(Kind.JOB, str(job_id), "/jobs/")

    @property
    def shown_id(self) -> str:
        """Its id as the API shows it."""
        return f"{self.place}{self.object_id}"


@dataclass(frozen=True)
class Type:
    """A type of objects as requests name it."""

    kind: Kind
    place: str
    find: Callable[[AsyncSession, int, str], Awaitable[object]]
    """Raises `NotFound` when the workspace has no such object."""


def number(text: str, what: str) -> int:
    """Return the number that an id is.

    Raises:
        Invalid: it is none.
    """
    if not text.isdecimal() or len(text) > 18:
        raise Invalid(f"'{text[:60]}' is no id of a {what}; those are numbers")
    return int(text)


async def _job(session: AsyncSession, workspace_id: int, object_id: str) -> object:
    return await jobs.get(session, workspace_id, number(object_id, "job"))


def _tracked(kind: Kind, what: str) -> Callable[[AsyncSession, int, str], Awaitable[object]]:
    async def find(session: AsyncSession, workspace_id: int, object_id: str) -> object:
        if not await tracked.exists(session, workspace_id, kind, object_id):
            raise NotFound(
                f"The workspace has no {what} with the id {object_id[:60]}.", object_id=object_id
            )
        return object_id

    return find


async def _tokens(session: AsyncSession, workspace_id: int, object_id: str) -> object:
    if object_id != EVERY_TOKEN:
        raise Invalid(
            f"there are no permissions on authorization/{object_id[:60]}; OpenLake knows"
            " authorization/tokens only"
        )
    return object_id


async def _file(session: AsyncSession, workspace_id: int, object_id: str) -> WorkspaceFile | None:
    query = select(WorkspaceFile).where(
        WorkspaceFile.workspace_id == workspace_id,
        WorkspaceFile.object_id == number(object_id, "workspace object"),
    )
    return (await session.exec(query)).first()


_JOB = Type(Kind.JOB, "/jobs/", _job)
_WAREHOUSE = Type(Kind.WAREHOUSE, "/sql/warehouses/", warehouses.get)
_QUERY = Type(Kind.QUERY, "/queries/", queries.get)
_ALERT = Type(Kind.ALERT, "/alerts/", alerts.get)
_POLICY = Type(Kind.CLUSTER_POLICY, "/cluster-policies/", policies.get)
_POOL = Type(Kind.INSTANCE_POOL, "/instance-pools/", pools.get)
_DEPLOYMENT = Type(Kind.DEPLOYMENT, "/deployments/", deployments.get)
_EXPERIMENT = Type(Kind.EXPERIMENT, "/experiments/", _tracked(Kind.EXPERIMENT, "experiment"))
_MODEL = Type(
    Kind.REGISTERED_MODEL,
    "/registered-models/",
    _tracked(Kind.REGISTERED_MODEL, "registered model"),
)
_TOKENS = Type(Kind.TOKENS, "/authorization/", _tokens)
_NOTEBOOK = Type(Kind.NOTEBOOK, "/notebooks/", _file)
_DIRECTORY = Type(Kind.DIRECTORY, "/directories/", _file)
_FILE = Type(Kind.FILE, "/files/", _file)

TYPES: Mapping[str, Type] = {
    "jobs": _JOB,
    "warehouses": _WAREHOUSE,
    "sql/warehouses": _WAREHOUSE,
    "queries": _QUERY,
    "sql/queries": _QUERY,
    "alerts": _ALERT,
    "alertsv2": _ALERT,
    "sql/alerts": _ALERT,
    "cluster-policies": _POLICY,
    "instance-pools": _POOL,
    "notebooks": _NOTEBOOK,
    "directories": _DIRECTORY,
    "files": _FILE,
    "deployments": _DEPLOYMENT,
    "experiments": _EXPERIMENT,
    "registered-models": _MODEL,
    "authorization": _TOKENS,
}

_REFUSED = {
    "clusters": "clusters are the compute profiles of the stack, which everybody may run jobs on",
    "repos": "there are no Git folders; a job takes its files from git_source",
    "sql/dashboards": "there are no dashboards",
    "dashboards": "there are no dashboards",
    "pipelines": "there are no pipelines",
    "serving-endpoints": "nothing is served",
    "apps": "there are no apps",
}

PLACES = {each.kind: each.place for each in TYPES.values()}
"""What stands before an object's id, by kind."""


def type_of(name: str) -> Type:
    """Return a type by its name in requests.

    Raises:
        Invalid: there is no such type here; says which there are.
    """
    if (found := TYPES.get(name)) is not None:
        return found
    why = f": {_REFUSED[name]}" if name in _REFUSED else ""
    known = ", ".join(TYPES).replace("authorization", f"authorization/{EVERY_TOKEN}")
    raise Invalid(f"'{name[:60]}' has no permissions here{why}; the types are {known}")


async def target(session: AsyncSession, workspace_id: int, name: str, object_id: str) -> Target:
    """Return an object of a workspace.

    Raises:
        Invalid: there is no such type, or the id is none of it.
        NotFound: there is no such object in the workspace.
    """
    kind = type_of(name)
    if kind.kind in KINDS.values():
        return await _in_folders(session, workspace_id, kind, object_id)
    await kind.find(session, workspace_id, object_id)
    return Target(kind.kind, object_id, kind.place)


async def _in_folders(
    session: AsyncSession, workspace_id: int, kind: Type, object_id: str
) -> Target:
    if kind.kind is Kind.DIRECTORY and object_id == ROOT_ID:
        return Target(kind.kind, ROOT_ID, kind.place, ROOT)
    row = await _file(session, workspace_id, object_id)
    if row is None or KINDS[FileKind(row.kind)] is not kind.kind:
        raise NotFound(
            f"The workspace has no {kind.kind} with the id {object_id}; `workspace/get-status`"
            " shows the id of a path.",
            object_id=object_id,
        )
    return Target(kind.kind, str(row.object_id), kind.place, row.path)
