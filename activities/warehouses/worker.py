"""The worker of one process of a SQL warehouse."""

import asyncio
import os
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities.config import WorkerConfig
from activities.control_client import ControlClient
from activities.interceptor import ErrorInterceptor
from activities.warehouses.base import WarehouseEngine
from activities.warehouses.direct import LEAVE_WITHIN, DirectStatements
from activities.warehouses.run_statement import StatementActivities
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig

_HEARTBEAT_THROTTLE = timedelta(seconds=1)


class WarehouseWorker:
    """Takes statements from the warehouse's queue, and directly from the control plane."""

    def __init__(self, queue: Worker, direct: DirectStatements) -> None:
        """See class."""
        self._queue, self._direct = queue, direct

    @property
    def is_running(self) -> bool:
        """Statements are taken."""
        return self._queue.is_running

    async def run(self) -> None:
        """Take statements until `shutdown`, or a failure."""
        taking = asyncio.create_task(self._direct.run())
        queue = asyncio.create_task(self._queue.run())
        try:
            await asyncio.wait({taking, queue}, return_when=asyncio.FIRST_EXCEPTION)
            if not queue.done():
                await self._queue.shutdown()
            await asyncio.gather(queue, taking)
        finally:
            taking.cancel()

    async def shutdown(self) -> None:
        """Take no more, and hand on what is under way; returns when nothing is."""
        await asyncio.gather(self._queue.shutdown(), self._direct.shutdown())


def build_worker(
    client: Client, config: WorkerConfig, warehouse: WarehouseConfig, control: ControlClient
) -> WarehouseWorker:
    """Return the worker that runs the warehouse's statements.

    Args:
        client: Connected with the pydantic data converter.
        config: Of this machine.
        warehouse: Whose statements it runs; memory and threads are bounded by this machine.
        control: The internal API; the caller closes it after the worker.
    """
    # A statement blocks one thread at its engine and one that encodes its rows.
    threads = ThreadPoolExecutor(2 * warehouse.slots, thread_name_prefix="statement")
    engine = _engine(config, warehouse, threads)
    activities = StatementActivities(warehouse, control, engine, threads)
    queue = Worker(
        client,
        task_queue=warehouse.queue,
        activities=[activities.run_statement],
        interceptors=[ErrorInterceptor()],
        identity=f"{config.host}/{warehouse.queue}/{os.getpid()}",
        max_concurrent_activities=warehouse.slots,
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=LEAVE_WITHIN,
    )
    return WarehouseWorker(queue, DirectStatements(warehouse, control, activities))


def _engine(config: WorkerConfig, warehouse: WarehouseConfig, threads: Executor) -> WarehouseEngine:
    if warehouse.engine is Engine.TRINO:
        from activities.warehouses.trino import TrinoEngine

        return TrinoEngine(config, warehouse)
    from activities.warehouses.duckdb import DuckdbEngine

    return DuckdbEngine(warehouse, config.folder, threads)
