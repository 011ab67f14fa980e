"""`openlake worker warehouse`: one process of a SQL warehouse."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psutil
import structlog
import typer

from control.config import Settings
from control.stack.layout import Layout

if TYPE_CHECKING:
    from activities.control_client import ControlClient
    from activities.warehouses.worker import WarehouseWorker
    from spec.warehouses import WarehouseConfig

_KEPT_FOR_OTHERS = 0.25
"""The part of this machine's memory that one process leaves to the rest."""
_CGROUP = Path("/sys/fs/cgroup/memory.max")
_ASK_AGAIN_S = 0.5

log = structlog.get_logger(__name__)


def warehouse_worker(
    place: Annotated[
        str, typer.Argument(help="The warehouse's id; a built-in one's with its workspace.")
    ],
    ready: Annotated[
        Path | None, typer.Option(help="Where to write that statements are taken.")
    ] = None,
) -> None:
    """Run the statements of one SQL warehouse; holds no database credentials.

    The control worker starts and stops these processes; see `openlake warehouses`.

    [dim]Example: openlake worker warehouse duckdb-1[/dim]
    """
    from control.cli.workers import log_as_json

    log_as_json()
    asyncio.run(_run(Layout(Settings()), place, ready))


async def _run(layout: Layout, place: str, ready: Path | None) -> None:
    from activities.control_client import ControlClient
    from activities.warehouses.worker import build_worker
    from control.cli.workers import run_until_told, worker_config
    from control.temporal import connect

    namespace = layout.settings.temporal.namespace
    config = worker_config(layout, socket.gethostname(), layout.part_dir(f"warehouse-{place}"))
    client = await connect(layout.temporal_address, namespace, lazy=False)
    async with ControlClient(config.control_url, config.worker_token) as control:
        warehouse = _within_machine(await _config(control, place))
        log.info("warehouse.process", **warehouse.model_dump(mode="json"))
        worker = build_worker(client, config, warehouse, control)
        await run_until_told([worker], also=[_announce(worker, ready)])


async def _config(control: "ControlClient", place: str) -> "WarehouseConfig":
    """Ask who we are; the API may still be starting."""
    from spec.errors import Unavailable

    while True:
        try:
            return await control.warehouse(place)
        except Unavailable as error:
            log.info("warehouse.waiting", reason=error.message)
            await asyncio.sleep(_ASK_AGAIN_S)


def _within_machine(warehouse: "WarehouseConfig") -> "WarehouseConfig":
    """Return the warehouse with no more memory and threads than there are here.

    On Trino the limits are each statement's, and Trino's own machine bounds them.
    """
    from spec.tasks import Engine
    from spec.warehouses import Power

    if warehouse.engine is Engine.TRINO:
        return warehouse
    total = psutil.virtual_memory().total
    with suppress(OSError, ValueError):
        total = min(total, int(_CGROUP.read_text()))
    mib = int(total * (1 - _KEPT_FOR_OTHERS)) >> 20
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    power = Power(warehouse.memory_mib, warehouse.threads).within(mib, cpus)
    return warehouse.model_copy(update={"memory_mib": power.memory_mib, "threads": power.threads})


async def _announce(worker: "WarehouseWorker", ready: Path | None) -> None:
    """Say that the worker polls, until this is cancelled."""
    while not worker.is_running:  # noqa: ASYNC110 (it has no event to wait for)
        await asyncio.sleep(0.02)
    _mark(ready)
    log.info("warehouse.ready")
    try:
        await asyncio.Event().wait()
    finally:
        _unmark(ready)


def _mark(ready: Path | None) -> None:
    if ready is not None:
        ready.write_text(str(os.getpid()))


def _unmark(ready: Path | None) -> None:
    if ready is not None:
        ready.unlink(missing_ok=True)
