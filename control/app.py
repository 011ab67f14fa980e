"""Builds the REST API from its collaborators."""

import functools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Lifespan

from control import errors
from control.alerts.legacy_routes import router as legacy_alerts
from control.alerts.routes import router as alerts
from control.artifacts.routes import router as artifacts
from control.audit.routes import router as audit
from control.clusters.routes import router as clusters
from control.console.events import router as events
from control.console.pages import PagesRoute
from control.console.routes import router as sessions
from control.console.routes import settings as console
from control.dbfs.routes import router as dbfs
from control.deployments.routes import router as deployments
from control.deps import Deps
from control.description import describe
from control.errors import ErrorBody
from control.evidence.routes import router as evidence
from control.files.routes import router as files
from control.health import router as health
from control.identity.routes import router as identity
from control.identity.routes import scim
from control.internal.routes import router as internal
from control.jobs.check_routes import router as job_checks
from control.jobs.overview_routes import router as overviews
from control.jobs.routes import router as jobs
from control.jobs.version_routes import router as job_versions
from control.lakehouse.routes import router as tables
from control.lakehouse.unity_routes import router as unity
from control.limits import RequestLimits
from control.lineage.routes import collector
from control.lineage.routes import router as lineage
from control.logs.routes import router as logs
from control.middleware import ChosenWorkspace, QueryInBody, RequestContext
from control.mlflow.artifact_routes import router as mlflow_artifacts
from control.mlflow.routes import router as mlflow
from control.notifications.routes import own as deliveries
from control.notifications.routes import router as destinations
from control.permissions.routes import router as permissions
from control.permissions.sql_routes import router as sql_permissions
from control.policies.routes import router as policies
from control.pools.routes import router as pools
from control.queries.legacy_routes import router as legacy_queries
from control.queries.own_routes import router as own_queries
from control.queries.routes import router as queries
from control.refusals import router as refusals
from control.replays.routes import router as replays
from control.runs.follow import router as run_events
from control.runs.routes import router as runs
from control.runs.task_runs import router as task_runs
from control.secrets.routes import router as secrets
from control.statements.history_routes import router as query_history
from control.statements.own_routes import router as own_statements
from control.statements.routes import router as statements
from control.statements.routes import sessions_router as sql_sessions
from control.statements.routes import workers as statement_workers
from control.tokens.routes import management as token_management
from control.tokens.routes import router as tokens
from control.transactions.routes import router as transactions
from control.triggers.routes import router as backfills
from control.uploads.routes import router as uploads
from control.volumes.fs_routes import router as volume_files
from control.volumes.fs_routes import transfers_router as file_transfers
from control.volumes.routes import router as volumes
from control.warehouses.routes import internal as warehouse_processes
from control.warehouses.routes import router as warehouses
from control.workspaces.routes import router as workspaces

API_VERSION = "1.0"

ROUTERS = (
    identity,
    # Before volumes: artifacts have paths of their own below theirs.
    mlflow_artifacts,
    mlflow,
    scim,
    tokens,
    token_management,
    workspaces,
    sessions,
    console,
    events,
    files,
    volumes,
    volume_files,
    file_transfers,
    dbfs,
    jobs,
    job_versions,
    job_checks,
    overviews,
    backfills,
    runs,
    run_events,
    replays,
    transactions,
    evidence,
    task_runs,
    artifacts,
    logs,
    policies,
    pools,
    clusters,
    queries,
    legacy_queries,
    own_queries,
    query_history,
    alerts,
    legacy_alerts,
    permissions,
    sql_permissions,
    statements,
    own_statements,
    sql_sessions,
    warehouses,
    warehouse_processes,
    destinations,
    deliveries,
    secrets,
    uploads,
    deployments,
    unity,
    tables,
    lineage,
    collector,
    audit,
    health,
)


def create_app(deps: Deps) -> FastAPI:
    """Return the API; its hub listens while the app is up."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await deps.hub.start()
        yield
        await deps.hub.stop()
        await deps.lakehouse.close()
        await deps.tracking.server.close()
        await deps.files.close()
        await deps.database.dispose()

    app = create_routes(lifespan)
    app.state.deps = deps
    if deps.console.pages is not None:
        app.router.routes.append(PagesRoute(deps.console.pages))
    # The last one added is the outermost.
    app.add_middleware(QueryInBody)
    app.add_middleware(ChosenWorkspace)
    app.add_middleware(RequestLimits, limits=deps.limits)
    app.add_middleware(RequestContext, metrics=deps.metrics)
    return app


def create_routes(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the API's routes and error answers, with nothing behind them yet."""
    app = FastAPI(
        title="OpenLake",
        version=API_VERSION,
        lifespan=lifespan,
        # Clients that forget the content type of a JSON body are understood all the same.
        strict_content_type=False,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=_operation_id,
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
    )
    errors.install(app)
    # First: they are asked most often, and routes are tried one by one.
    app.include_router(statement_workers, include_in_schema=False)
    app.include_router(internal, include_in_schema=False)
    for router in ROUTERS:
        app.include_router(router)
    # Last: what is served comes before what is refused.
    app.include_router(refusals)
    app.openapi = functools.cache(lambda: describe(app))
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
