"""Which parts make up a profile."""

from collections.abc import Iterable, Sequence
from typing import Literal

from control.stack.api import Api
from control.stack.gateway import Gateway
from control.stack.layout import Layout
from control.stack.minio import Minio
from control.stack.mlflow import Mlflow
from control.stack.nessie import Nessie
from control.stack.part import Part
from control.stack.postgres import Postgres
from control.stack.spark_connect import SparkConnect
from control.stack.temporal import Temporal
from control.stack.trino import Trino
from control.stack.warehouses import warehouse_processes
from control.stack.workers import ControlWorker, EngineWorker
from spec.errors import Invalid

Profile = Literal["embedded", "full"]

_EMBEDDED: tuple[type[Part], ...] = (
    Postgres,
    Minio,
    Temporal,
    Nessie,
    Mlflow,
    Api,
    Gateway,
    ControlWorker,
    EngineWorker,
)
_FULL: tuple[type[Part], ...] = (*_EMBEDDED, Trino, SparkConnect)


def parts_of(
    layout: Layout,
    profile: Profile = "full",
    only: Sequence[str] | None = None,
    *,
    everything: bool = False,
) -> list[Part]:
    """Return the parts of a profile, without those whose place the settings give to others.

    The processes of warehouses are among them only with `everything`: the keeper starts those.

    Args:
        layout: Of the stack.
        profile: `embedded`, or `full` with Trino and the warm Spark Connect server.
        only: Names to choose; what they need is chosen as well.
        everything: Also parts that others take the place of, for one may still run from before,
            and the processes of warehouses that were started.

    Raises:
        Invalid: A name is unknown.
    """
    kinds = {kind.name: kind for kind in (_EMBEDDED if profile == "embedded" else _FULL)}
    if layout.settings.object_store.endpoint and not everything:
        kinds.pop("minio")
    if layout.settings.temporal.address and not everything:
        kinds.pop("temporal")
    others = {each.name: each for each in warehouse_processes(layout)} if everything else {}
    if only is not None:
        kinds = {name: kinds[name] for name in _closure(kinds, set(only) - set(others))}
        others = {name: others[name] for name in only if name in others}
    return [*(kind(layout) for kind in kinds.values()), *others.values()]


def _closure(kinds: dict[str, type[Part]], only: Iterable[str]) -> list[str]:
    unknown = sorted(name for name in only if name not in kinds)
    if unknown:
        raise Invalid(f"there is no part '{unknown[0]}'; there are {', '.join(kinds)}")
    chosen: set[str] = set()
    waiting = list(only)
    while waiting:
        name = waiting.pop()
        if name in kinds and name not in chosen:
            chosen.add(name)
            waiting += kinds[name].needs
    return [name for name in kinds if name in chosen]
