"""Kinds of objects, and the levels of permission each has; pure.

Names, order and meaning are Databricks' (Permissions API 2.0, "Access control").
"""

from collections.abc import Sequence
from enum import StrEnum


class Level(StrEnum):
    """What a principal may do with an object."""

    CAN_READ = "CAN_READ"
    CAN_VIEW = "CAN_VIEW"
    CAN_ATTACH_TO = "CAN_ATTACH_TO"
    CAN_RESTART = "CAN_RESTART"
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
    CLUSTER = "cluster"
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
    Kind.CLUSTER: (Level.CAN_ATTACH_TO, Level.CAN_RESTART, Level.CAN_MANAGE),
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
    Kind.TOKENS: (Level.CAN_USE,),
}
"""Of each kind, weakest first; a level includes all before it."""


EVERY_TOKEN = "tokens"  # noqa: S105
"""What permissions of the kind TOKENS are about: there is one object of it in a workspace."""


def top(kind: Kind) -> Level:
    """Return the level that a new object's creator holds, and that includes all others."""
    return LEVELS[kind][-1]


def includes(kind: Kind, held: Level | None, wanted: Level) -> bool:
    """Tell whether holding one level lets do what another one is needed for."""
    order = LEVELS[kind]
    return held is not None and held in order and order.index(held) >= order.index(wanted)


def at_least(kind: Kind, wanted: Level) -> Sequence[Level]:
    """Return the levels that include `wanted`."""
    order = LEVELS[kind]
    return order[order.index(wanted) :]
