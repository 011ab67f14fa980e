"""The worker of one process of a SQL warehouse."""

import os
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities.config import WorkerConfig
from activities.control_client import ControlClient
from activities.interceptor import ErrorInterceptor
from activities.warehouses.base import WarehouseEngine
from activities.warehouses.run_statement import StatementActivities
from spec.tasks import Engine
from spec.warehouses import WarehouseConfig

_HEARTBEAT_THROTTLE = timedelta(seconds=1)
_LEAVE_WITHIN = timedelta(seconds=10)


def build_worker(
    client: Client, config: WorkerConfig, warehouse: WarehouseConfig, control: ControlClient
) -> Worker:
    """Return the worker that polls the warehouse's queue.

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
    return Worker(
        client,
        task_queue=warehouse.queue,
        activities=[activities.run_statement],
        interceptors=[ErrorInterceptor()],
        identity=f"{config.host}/{warehouse.queue}/{os.getpid()}",
        max_concurrent_activities=warehouse.slots,
        max_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=_HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=_LEAVE_WITHIN,
    )


def _engine(config: WorkerConfig, warehouse: WarehouseConfig, threads: Executor) -> WarehouseEngine:
    if warehouse.engine is Engine.TRINO:
        from activities.warehouses.trino import TrinoEngine

        return TrinoEngine(config, warehouse)
    from activities.warehouses.duckdb import DuckdbEngine

    return DuckdbEngine(warehouse, config.folder, threads)
