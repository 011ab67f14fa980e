"""What a SQL warehouse is, what its size gives it, and what becomes of it next; pure.

A warehouse is a named endpoint on a SQL engine. It has processes (its *clusters*, in Databricks'
word), each of which works on a few statements at once; the others wait in the warehouse's queue.
People say what they want of it (`Wanted`), the keeper makes it so, and `decide` tells the keeper
what to do: it alone starts and stops processes.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from spec.attempts import Frozen, SqlDialect
from spec.tasks import BUILT_IN, Engine

ENGINES_WITH_SERVER = frozenset({Engine.TRINO})
"""They run statements in a server of their own, which jobs use as well."""

SLOTS = 10
"""Statements that one process works on at once, as Databricks counts for one cluster."""

QUEUE_LIMIT = 1_000
"""Statements that may wait for one warehouse; Databricks refuses the next one too."""

_CALM = timedelta(minutes=1)
"""After so long without a statement a warehouse gives back what it took beyond its minimum."""
MOST_TRIES = 4
"""A warehouse whose processes end so often before one was ready is given up."""

_ID = re.compile(r"[0-9a-f]{16}")


class ClusterSize(StrEnum):
    """How much each process of a warehouse may use; names are Databricks'."""

    XXS = "2X-Small"
    XS = "X-Small"
    S = "Small"
    M = "Medium"
    L = "Large"
    XL = "X-Large"
    XL2 = "2X-Large"
    XL3 = "3X-Large"
    XL4 = "4X-Large"
    XL5 = "5X-Large"


@dataclass(frozen=True)
class Power:
    """What one process may use at most."""

    memory_mib: int
    threads: int

    def within(self, memory_mib: int, threads: int) -> "Power":
        """Return what of this a machine can give."""
        return Power(min(self.memory_mib, memory_mib), max(1, min(self.threads, threads)))


POWER: dict[ClusterSize, Power] = {
    size: Power(memory_mib=1024 << step, threads=1 << step) for step, size in enumerate(ClusterSize)
}
"""Each size is twice the one before: 1 GiB and 1 thread, 2 GiB and 2 threads, …"""


class Wanted(StrEnum):
    """What people want of a warehouse; a statement wants it RUNNING."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    DELETED = "DELETED"


class WarehouseState(StrEnum):
    """What a warehouse is doing; Databricks' words."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    DELETED = "DELETED"


class HealthStatus(StrEnum):
    """How a warehouse is; Databricks' words."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"


class PinnedWarehouse(Frozen):
    """What a run keeps of a warehouse that one of its tasks names."""

    engine: Engine
    dialect: SqlDialect = SqlDialect.ENGINE
    catalog: str | None = None
    schema_name: str | None = None


class WarehouseConfig(Frozen):
    """What a warehouse's process must know; holds no secret."""

    workspace_id: int
    warehouse_id: str
    name: str
    engine: Engine
    dialect: SqlDialect
    """What its statements are written in."""
    catalog: str | None = None
    """Of names without one; the lakehouse when unset."""
    schema_name: str | None = None
    memory_mib: int
    """What one process may use; on Trino: what one statement may."""
    threads: int
    slots: int = SLOTS
    """Statements at once in one process."""

    @property
    def place(self) -> str:
        """See `place_of`."""
        return place_of(self.workspace_id, self.warehouse_id)

    @property
    def queue(self) -> str:
        """The Temporal queue that its processes poll."""
        return warehouse_queue(self.workspace_id, self.warehouse_id)


def place_of(workspace_id: int, warehouse_id: str) -> str:
    """Return a name that no other warehouse of the installation has.

    Ids are unique but for those of the built-in warehouses, which are the same everywhere.
    """
    return f"{warehouse_id}-{workspace_id}" if warehouse_id in BUILT_IN else warehouse_id


def warehouse_queue(workspace_id: int, warehouse_id: str) -> str:
    """Return the queue that the processes of one warehouse poll."""
    return f"warehouse@{place_of(workspace_id, warehouse_id)}"


def is_warehouse_id(text: str) -> bool:
    """Tell whether this could be a warehouse's id: a built-in one's, or 16 hexadecimal digits."""
    return text in BUILT_IN or _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Load:
    """The statements of a warehouse that have not ended."""

    running: int = 0
    waiting: int = 0

    @property
    def open(self) -> int:
        """All of them."""
        return self.running + self.waiting


@dataclass(frozen=True)
class Clusters:
    """The processes of a warehouse as they are now."""

    alive: int = 0
    ready: int = 0
    """Those of them that take statements."""
    last_words: str = ""
    """What the last one said that ended by itself; empty when there is none."""


@dataclass(frozen=True)
class Standing:
    """What a warehouse is to be, and what was tried."""

    wanted: Wanted
    min_clusters: int
    max_clusters: int
    auto_stop: timedelta
    """Zero: never."""
    last_activity_at: datetime
    """When it was last started, or a statement last came or ended."""
    tries: int = 0
    """Starts since a process was last ready."""


@dataclass(frozen=True)
class Decision:
    """What is to be done with a warehouse, and what it is meanwhile."""

    clusters: int
    """So many processes are to run."""
    state: WarehouseState
    is_idle: bool = False
    """It has been idle for so long that it is to be stopped."""
    is_hopeless: bool = False
    """Its processes end before they are ready: it is to be stopped, and to say why."""


def decide(standing: Standing, clusters: Clusters, load: Load, now: datetime) -> Decision:
    """Return what to do with a warehouse now."""
    if standing.wanted is Wanted.DELETED:
        state = WarehouseState.DELETING if clusters.alive else WarehouseState.DELETED
        return Decision(0, state)
    if standing.wanted is Wanted.STOPPED:
        return Decision(0, _stopping(clusters))
    rest = now - standing.last_activity_at
    if standing.auto_stop and not load.open and rest >= standing.auto_stop:
        return Decision(0, _stopping(clusters), is_idle=True)
    if not clusters.ready and standing.tries >= MOST_TRIES and not clusters.alive:
        return Decision(0, WarehouseState.STOPPED, is_hopeless=True)
    state = WarehouseState.RUNNING if clusters.ready else WarehouseState.STARTING
    return Decision(_wished(standing, clusters, load, rest), state)


def _stopping(clusters: Clusters) -> WarehouseState:
    return WarehouseState.STOPPING if clusters.alive else WarehouseState.STOPPED


def _wished(standing: Standing, clusters: Clusters, load: Load, rest: timedelta) -> int:
    """Return how many processes a running warehouse is to have.

    It grows as soon as statements wait that its processes have no room for, and goes back to its
    minimum only when nothing runs, so that no statement is disturbed.
    """
    needed = -(-load.open // SLOTS)
    kept = 0 if not load.open and rest >= _CALM else clusters.alive
    return min(max(needed, kept, standing.min_clusters), standing.max_clusters)
