"""Kinds of objects, and the levels of permission each has; pure.

Names, order and meaning are Databricks' (Permissions API 2.0, "Access control").
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Level(StrEnum):
    """What a principal may do with an object."""

    CAN_READ = "CAN_READ"
    CAN_VIEW = "CAN_VIEW"
    CAN_ATTACH_TO = "CAN_ATTACH_TO"
    CAN_RUN = "CAN_RUN"
    CAN_USE = "CAN_USE"
    CAN_MONITOR = "CAN_MONITOR"
    CAN_MANAGE_RUN = "CAN_MANAGE_RUN"
    CAN_EDIT = "CAN_EDIT"
    CAN_MANAGE = "CAN_MANAGE"
    IS_OWNER = "IS_OWNER"


class Kind(StrEnum):
    """A kind of object that has permissions; the value is its `object_type` on the wire."""

    JOB = "job"
    CLUSTER_POLICY = "cluster-policy"
    INSTANCE_POOL = "instance-pool"
    NOTEBOOK = "notebook"
    DIRECTORY = "directory"
    FILE = "file"
    WAREHOUSE = "warehouses"
    QUERY = "query"
    ALERT = "alert"
    EXPERIMENT = "mlflowExperiment"
    REGISTERED_MODEL = "registered-model"
    DEPLOYMENT = "deployment"
    """OpenLake's own: what a bundle has put into the workspace."""
    TOKENS = "tokens"


_WORKSPACE_OBJECT = (Level.CAN_READ, Level.CAN_RUN, Level.CAN_EDIT, Level.CAN_MANAGE)
_SQL_OBJECT = (
    Level.CAN_VIEW,
    Level.CAN_RUN,
    Level.CAN_EDIT,
    Level.CAN_MANAGE,
    Level.IS_OWNER,
)

LEVELS: dict[Kind, Sequence[Level]] = {
    Kind.JOB: (Level.CAN_VIEW, Level.CAN_MANAGE_RUN, Level.CAN_MANAGE, Level.IS_OWNER),
    Kind.CLUSTER_POLICY: (Level.CAN_USE,),
    Kind.INSTANCE_POOL: (Level.CAN_ATTACH_TO, Level.CAN_MANAGE),
    Kind.NOTEBOOK: _WORKSPACE_OBJECT,
    Kind.DIRECTORY: _WORKSPACE_OBJECT,
    Kind.FILE: _WORKSPACE_OBJECT,
    Kind.WAREHOUSE: (
        Level.CAN_VIEW,
        Level.CAN_USE,
        Level.CAN_MONITOR,
        Level.CAN_MANAGE,
        Level.IS_OWNER,
    ),
    Kind.QUERY: _SQL_OBJECT,
    Kind.ALERT: _SQL_OBJECT,
    Kind.EXPERIMENT: (Level.CAN_READ, Level.CAN_EDIT, Level.CAN_MANAGE),
    Kind.REGISTERED_MODEL: (Level.CAN_READ, Level.CAN_EDIT, Level.CAN_MANAGE),
    Kind.DEPLOYMENT: (Level.CAN_VIEW, Level.CAN_MANAGE),
    Kind.TOKENS: (Level.CAN_USE,),
}
"""Of each kind, weakest first; a level includes all before it."""

OWNED = frozenset(kind for kind, levels in LEVELS.items() if Level.IS_OWNER in levels)
"""Kinds whose objects have exactly one owner."""

WORKSPACE_OBJECTS = (Kind.NOTEBOOK, Kind.DIRECTORY, Kind.FILE)
"""Kinds that inherit from the folders they lie in."""

_OWNER = "the same, and be whom others ask; only an admin says who the owner is"
_OF_FILES = {
    Level.CAN_READ: "read and export it, and let one's own jobs run it",
    Level.CAN_RUN: "the same",
    Level.CAN_EDIT: "also replace its content",
    Level.CAN_MANAGE: "also delete it and change its permissions",
}
_OF_MODELS = {
    Level.CAN_READ: "read it",
    Level.CAN_EDIT: "also change it",
    Level.CAN_MANAGE: "also delete it and change its permissions",
}

MEANING: Mapping[Kind, Mapping[Level, str]] = {
    Kind.JOB: {
        Level.CAN_VIEW: "read the job, its versions, its runs, their logs and what they left",
        Level.CAN_MANAGE_RUN: "also run, cancel, repair, replay and backfill it, let one's own jobs"
        " run it, and drop the kept branch of a run",
        Level.CAN_MANAGE: "also change and delete the job and its runs, and change its permissions",
        Level.IS_OWNER: f"{_OWNER}; runs have the owner's rights unless `run_as` says otherwise",
    },
    Kind.CLUSTER_POLICY: {Level.CAN_USE: "read it and make compute by it"},
    Kind.INSTANCE_POOL: {
        Level.CAN_ATTACH_TO: "read it and take compute from it",
        Level.CAN_MANAGE: "also change and delete it, and change its permissions",
    },
    Kind.NOTEBOOK: _OF_FILES,
    Kind.DIRECTORY: {
        Level.CAN_READ: "read all that lies in it",
        Level.CAN_RUN: "the same",
        Level.CAN_EDIT: "also replace the content of what lies in it",
        Level.CAN_MANAGE: "also make and delete things in it, and change permissions",
    },
    Kind.FILE: _OF_FILES,
    Kind.WAREHOUSE: {
        Level.CAN_VIEW: "read what it is and how it stands",
        Level.CAN_USE: "also run statements on it, by oneself or by one's jobs; that starts it",
        Level.CAN_MONITOR: "also see what others ran on it",
        Level.CAN_MANAGE: "also start, stop, change and delete it, and change its permissions",
        Level.IS_OWNER: _OWNER,
    },
    Kind.QUERY: {
        Level.CAN_VIEW: "read it and its versions",
        Level.CAN_RUN: "also run it, by oneself or by one's jobs",
        Level.CAN_EDIT: "also change it and restore its versions",
        Level.CAN_MANAGE: "also put it into the trash and change its permissions",
        Level.IS_OWNER: "the same; a query whose `run_as_mode` is OWNER runs with these rights",
    },
    Kind.ALERT: {
        Level.CAN_VIEW: "read it",
        Level.CAN_RUN: "also let one's jobs judge it",
        Level.CAN_EDIT: "also change it",
        Level.CAN_MANAGE: "also put it into the trash and change its permissions",
        Level.IS_OWNER: "the same, and give it away",
    },
    Kind.EXPERIMENT: _OF_MODELS,
    Kind.REGISTERED_MODEL: _OF_MODELS,
    Kind.DEPLOYMENT: {
        Level.CAN_VIEW: "read what a bundle has put into the workspace",
        Level.CAN_MANAGE: "also deploy and destroy the bundle, and change permissions",
    },
    Kind.TOKENS: {Level.CAN_USE: "make access tokens for oneself"},
}
"""What a level lets its holder do, as the API and `docs/permissions.md` say it."""


EVERY_TOKEN = "tokens"  # noqa: S105
"""What permissions of the kind TOKENS are about: there is one object of it in a workspace."""


def top(kind: Kind) -> Level:
    """Return the level that a new object's creator holds, and that includes all others."""
    return LEVELS[kind][-1]


def managing(kind: Kind) -> Level:
    """Return the level that lets do everything but own; what admins hold on every object."""
    return Level.CAN_MANAGE if Level.CAN_MANAGE in LEVELS[kind] else top(kind)


def includes(kind: Kind, held: Level | None, wanted: Level) -> bool:
    """Tell whether holding one level lets do what another one is needed for."""
    order = LEVELS[kind]
    return held is not None and held in order and order.index(held) >= order.index(wanted)


def at_least(kind: Kind, wanted: Level) -> Sequence[Level]:
    """Return the levels that include `wanted`."""
    order = LEVELS[kind]
    return order[order.index(wanted) :]
