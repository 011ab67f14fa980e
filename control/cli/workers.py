"""The single processes of the stack: API, gateway, workers. `openlake up` starts them."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import structlog
import typer

from control.cli.warehouse_worker import warehouse_worker
from control.config import Settings
from control.stack.layout import LOOPBACK, Layout
from control.stack.logs import keep_logs_small
from control.stack.secrets import plain_connection
from spec.tasks import Engine

if TYPE_CHECKING:
    from activities.config import WorkerConfig
    from control.deps import Deps

worker = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Run one worker in the foreground.",
)
token = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="rich", help="Make access tokens."
)


log = structlog.get_logger(__name__)

_PATIENCE_S = 300.0
"""How long a process that starts waits for the database; parts come back in any order."""


def log_as_json() -> None:
    """Write this process's log as one JSON object a line."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


def api() -> None:
    """Serve the REST API until it is told to stop."""
    import uvicorn

    from control.app import create_app

    log_as_json()
    layout = Layout(Settings())
    deps = asyncio.run(_prepare_api(layout))
    app = create_app(deps)
    # What is there now stays: collecting it again and again would stop requests for a third of a
    # second.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=LOOPBACK,
        port=layout.settings.ports.api,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


async def _prepare_api(layout: Layout) -> "Deps":
    from control.assembly import assemble
    from control.migrate import upgrade

    await upgrade(layout.postgres_url(), patience_s=_PATIENCE_S)
    return await assemble(layout)


def gateway() -> None:
    """Serve the catalog gateway until it is told to stop."""
    from pydantic import SecretStr

    from control.gateway.config import GatewayConfig
    from control.gateway.server import run_gateway
    from control.migrate import upgrade

    log_as_json()
    layout = Layout(Settings())
    asyncio.run(upgrade(layout.postgres_url(), patience_s=_PATIENCE_S))
    run_gateway(
        GatewayConfig(
            upstream=layout.nessie_url,
            database_url=SecretStr(layout.postgres_url()),
            signing_key=SecretStr(layout.secret("signing-key")),
            upstream_key=SecretStr(layout.secret("nessie-key")),
            host=LOOPBACK,
            port=layout.settings.ports.gateway,
        )
    )


@worker.command("control")
def control_worker() -> None:
    """Run workflows, the projection and the outbox; holds the database's credentials."""
    log_as_json()
    asyncio.run(_run_control_worker(Layout(Settings())))


async def _run_control_worker(layout: Layout) -> None:
    from prometheus_client import start_http_server

    from control import faults
    from control.assembly import assemble
    from control.notifications.deliver import Deliverer
    from control.projection import Projector
    from control.runs.control_tasks import ControlTasks
    from control.runs.outbox import relay
    from control.runs.upkeep import keep_up
    from control.statements import closing as statements
    from control.table_care.assembly import make_file_remover
    from control.temporal import connect
    from control.transactions.activities import TransactionTasks
    from control.transactions.context import Context
    from control.transactions.sweep import sweep_forever
    from control.triggers.assembly import make_triggers
    from control.triggers.backfills import Backfills
    from control.triggers.service import tell_all
    from control.uploads.sweep import sweep_uploads
    from control.warehouses.hosts import warehouse_host
    from control.warehouses.keeper import Keeper
    from workflows.worker import build, build_child_follower, build_file_remover

    deps = await assemble(layout)
    client = await connect(layout.temporal_address, layout.settings.temporal.namespace, lazy=False)
    await deps.hub.start()
    start_http_server(
        layout.settings.ports.control_worker, LOOPBACK, registry=deps.metrics.registry
    )
    deliverer = Deliverer(
        deps.database, deps.sealer, layout.notifications, deps.public_url, deps.metrics
    )
    tasks, projector = ControlTasks(deps), Projector(deps.database, deps.metrics)
    triggers, backfills = make_triggers(layout, deps), Backfills(deps)
    context = Context(deps.database, deps.catalog, done=faults.reach)
    transactions = TransactionTasks(context)
    async with deps.database.session() as session:
        await tell_all(session)
    try:
        await run_until_told(
            [
                build(
                    client,
                    [
                        projector.project,
                        tasks.judge,
                        tasks.expand,
                        transactions.land,
                        transactions.publish,
                        triggers.advance_trigger,
                        backfills.advance_backfill,
                        statements.StatementCloser(deps).close_statement,
                    ],
                ),
                build_child_follower(client, tasks.run_child),
                build_file_remover(client, make_file_remover(layout, deps).remove_files),
            ],
            also=[
                relay(deps.database, deps.launcher, deps.hub, deps.metrics),
                keep_up(deps.database, deps.launcher),
                statements.keep_up(deps),
                sweep_forever(context, deps.hub),
                sweep_uploads(deps),
                deliverer.run(deps.hub),
                Keeper(deps.database, warehouse_host(layout, os.environ)).keep(deps.hub),
                keep_logs_small(layout.logs_dir),
            ],
        )
    finally:
        await deps.hub.stop()
        await deps.catalog.close()
        await deps.database.dispose()


worker.command("warehouse")(warehouse_worker)


@worker.command("engine")
def engine_worker(
    engines: Annotated[
        list[Engine] | None,
        typer.Option("--engine", help="Serve this engine's queue; again for more. All if unset."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="The name of this machine's own queue.")] = None,
    port: Annotated[int | None, typer.Option(help="Where to serve metrics.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where attempts have their folders.")] = None,
) -> None:
    """Run task attempts; holds no database credentials.

    [dim]Example: openlake worker engine --engine spark --engine python[/dim]
    """
    log_as_json()
    layout = Layout(Settings())
    config = worker_config(
        layout,
        host or layout.settings.worker.host or socket.gethostname(),
        folder or layout.attempts_dir,
    )
    asyncio.run(
        _run_engine_worker(
            layout, engines or list(Engine), config, port or layout.settings.ports.engine_worker
        )
    )


def worker_config(layout: Layout, host: str, folder: Path) -> "WorkerConfig":
    """Return what an engine worker must know; user code gets a user of its own if that can be."""
    from activities.config import AirflowServer, WorkerConfig
    from activities.isolation import can_isolate
    from control.stack import ivy
    from control.stack.environment import index_environment, network_environment
    from control.stack.system_user import TASK_USER, ensure_system_user
    from control.stack.tools import find_uv

    settings = layout.settings
    folder.mkdir(parents=True, exist_ok=True)
    # Passable, not readable: user code of another user must reach its own folder below.
    folder.chmod(0o711)
    config = WorkerConfig(
        control_url=layout.api_url,
        worker_token=layout.secret("worker-token"),
        host=host,
        folder=folder,
        slots=settings.worker.slots,
        lease_s=settings.worker.lease_s,
        java_home=layout.java_home_21,
        spark_jars=layout.spark_jars,
        dbt_python=layout.dbt_python,
        trino_url=layout.trino_url,
        spark_connect_url=layout.spark_connect_url if settings.worker.spark_connect else None,
        uv=find_uv(layout),
        ivy_settings=ivy.user_settings(),
        java_network=tuple(ivy.network_options(folder / ".trust.p12")),
        installer_environment={
            "HOME": str(Path.home()),
            **network_environment(),
            **index_environment(),
        },
        uid=ensure_system_user(TASK_USER) if os.geteuid() == 0 else None,
        airflow={
            name: AirflowServer(**plain_connection(each)) for name, each in layout.airflow.items()
        },
    )
    shared = can_isolate(config)
    if shared is not None:
        config = replace(config, uid=None)
    log.info("worker.isolation", user=config.uid, reason=shared)
    return config


async def _run_engine_worker(
    layout: Layout, engines: Sequence[Engine], config: "WorkerConfig", port: int
) -> None:
    from prometheus_client import start_http_server

    from activities.control_client import ControlClient
    from activities.sweep import sweep_forever
    from activities.worker import build_workers
    from control.temporal import connect

    namespace = layout.settings.temporal.namespace
    client = await connect(layout.temporal_address, namespace, lazy=False)
    start_http_server(port, LOOPBACK)
    async with ControlClient(config.control_url, config.worker_token) as control:
        workers = build_workers(client, config, engines, control)
        await run_until_told(workers, also=[sweep_forever(config, control)])


class Runs(Protocol):
    """A worker, as far as it is run here."""

    async def run(self) -> None:
        """Work until `shutdown`; raises what makes it fail."""
        ...

    async def shutdown(self) -> None:
        """End; returns when that is so."""
        ...


async def run_until_told(workers: Sequence[Runs], also: Sequence[Awaitable[None]] = ()) -> None:
    """Run side by side until SIGTERM or SIGINT; the first failure ends all of them."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, told.set)
    background = [asyncio.ensure_future(coroutine) for coroutine in also]
    running = [asyncio.create_task(each.run()) for each in workers]
    stop = asyncio.create_task(told.wait())
    await asyncio.wait([stop, *running, *background], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(each.shutdown() for each in workers))
    for task in (stop, *background):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*running)
    for task in background:
        if task.done() and not task.cancelled():
            task.result()


@token.callback()
def _token() -> None:
    """Make access tokens."""


@token.command("bootstrap")
def bootstrap_token() -> None:
    """Make the first workspace, its user and a token, as far as they are missing.

    The token is kept in the data folder, readable by its owner only.
    """
    from control.cli.first_token import ensure_first_token

    asyncio.run(ensure_first_token(Layout(Settings())))
