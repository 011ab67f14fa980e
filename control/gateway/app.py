"""The gateway's ASGI application: authenticate, route, pass on."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path

from control.db import Database, create_engine
from control.gateway import oauth
from control.gateway.access import Access
from control.gateway.branches import branch_of
from control.gateway.commits import AfterUpstream, Committer, Mutation
from control.gateway.config import GatewayConfig
from control.gateway.configuration import describe
from control.gateway.errors import BodyTooLarge, iceberg_error, render
from control.gateway.history import own_commits
from control.gateway.identity import Identity
from control.gateway.metrics import Metrics
from control.gateway.reads import Reader
from control.gateway.routes import OWN_COMMITS, PREFIX, READS, Route, match
from control.gateway.settle import Settler
from control.gateway.tokens import MAIN, AttemptClaims, PrincipalClaims, ServiceClaims
from control.gateway.upstream import Catalog
from spec.errors import Forbidden, Invalid, NotFound, OpenLakeError, Unavailable

log = structlog.get_logger(__name__)

_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)


@dataclass(frozen=True)
class _Parts:
    """What the requests of one process share."""

    config: GatewayConfig
    database: Database
    catalog: Catalog
    metrics: Metrics
    access: Access
    reader: Reader
    committer: Committer
    settler: Settler


def create_gateway(
    config: GatewayConfig, *, after_upstream: AfterUpstream | None = None
) -> Starlette:
    """Build the gateway.

    Args:
        config: Its settings.
        after_upstream: Called after the catalog has answered a mutation and before its outcome is
            noted: a fault point for tests.
    """
    parts = _build(config, after_upstream)
    gateway = _Gateway(parts)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        settling = asyncio.create_task(parts.settler.run())
        try:
            yield
        finally:
            settling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await settling
            await parts.catalog.close()
            await parts.database.dispose()

    every = ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"]
    return Starlette(
        routes=[
            Path("/health", gateway.health, methods=["GET"]),
            Path("/metrics", gateway.show_metrics, methods=["GET"]),
            Path(f"{PREFIX}config", gateway.config, methods=["GET"]),
            Path(f"{PREFIX}oauth/tokens", gateway.tokens, methods=["POST"]),
            Path(OWN_COMMITS, gateway.own_commits, methods=["GET"]),
            Path("/{path:path}", gateway.catalog, methods=every),
        ],
        exception_handlers={
            OpenLakeError: _render_ours,
            HTTPException: _render_http,
            **dict.fromkeys(_DATABASE_AWAY, _render_database),
        },
        lifespan=lifespan,
    )


def _build(config: GatewayConfig, after_upstream: AfterUpstream | None) -> _Parts:
    # A commit under way is idle in its transaction while the catalog works. If this process is
    # suspended just then, its lock must stay: to lose it would open the fence.
    settings = {"idle_in_transaction_session_timeout": "0", "application_name": "openlake-gateway"}
    engine = create_engine(
        config.database_url.get_secret_value(),
        pool_size=config.pool_size,
        max_overflow=config.pool_size,
        server_settings=settings,
    )
    database = Database(engine)
    catalog = Catalog(
        config.upstream,
        config.warehouse,
        identity=Identity(config.upstream_key) if config.upstream_key else None,
        connect_timeout_s=config.connect_timeout_s,
        timeout_s=config.upstream_timeout_s,
    )
    metrics = Metrics()
    return _Parts(
        config=config,
        database=database,
        catalog=catalog,
        metrics=metrics,
        access=Access(config.signing_key, database, state_cache_s=config.state_cache_s),
        reader=Reader(database, catalog, metrics),
        committer=Committer(database, catalog, metrics, after_upstream),
        settler=Settler(
            database,
            catalog,
            metrics,
            settle_after_s=config.settle_after_s,
            interval_s=config.settle_interval_s,
        ),
    )


class _Gateway:
    """The endpoints."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts

    async def health(self, request: Request) -> Response:
        """Answer 200 when the database and the catalog answer, else 503."""
        problems: list[str] = []
        try:
            await self._parts.catalog.config()
        except OpenLakeError as error:
            problems.append(f"catalog: {error.message}")
        try:
            async with self._parts.database.read_session():
                pass
        except _DATABASE_AWAY as error:
            problems.append(f"database: {type(error).__name__}")
        status = "ok" if not problems else "degraded"
        return JSONResponse(
            {"status": status, "problems": problems}, status_code=503 if problems else 200
        )

    async def show_metrics(self, request: Request) -> Response:
        """Answer Prometheus' text format."""
        return PlainTextResponse(self._parts.metrics.render(), media_type="text/plain")

    async def config(self, request: Request) -> Response:
        """Answer what a client needs to know: the prefix is the warehouse, nothing of branches."""
        await self._parts.access.authenticate(request.headers.get("authorization"))
        warehouse = request.query_params.get("warehouse") or self._parts.config.warehouse
        if warehouse != self._parts.config.warehouse:
            raise NotFound(
                f"there is no warehouse {warehouse!r}; this stack has "
                f"{self._parts.config.warehouse!r}"
            )
        return JSONResponse(describe(await self._parts.catalog.config(), warehouse))

    async def tokens(self, request: Request) -> Response:
        """Answer a token request; errors have OAuth's own shape (RFC 6749, section 5.2)."""
        form = await request.form()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        header = request.headers.get("authorization", "")
        bearer = header[7:] if header[:7].lower() == "bearer " else None
        try:
            return JSONResponse(oauth.exchange(self._parts.config.signing_key, bearer, fields))
        except OpenLakeError as error:
            name = "unsupported_grant_type" if isinstance(error, Invalid) else "invalid_client"
            return JSONResponse(
                {"error": name, "error_description": error.message}, status_code=error.status
            )

    async def own_commits(self, request: Request) -> Response:
        """Answer what the asking attempt has committed, after the id in `after`."""
        claims = await self._parts.access.authenticate(request.headers.get("authorization"))
        if not isinstance(claims, AttemptClaims):
            raise Forbidden("only an attempt has commits of its own; send an attempt's token")
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise Invalid(f"'after' is the id of a commit, not '{after[:40]}'")
        found = await own_commits(self._parts.database, claims.task_run_id, int(after))
        return JSONResponse({"commits": found})

    async def catalog(self, request: Request) -> Response:
        """Serve every other Iceberg REST route."""
        started = time.perf_counter()
        raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        route = match(request.method, raw_path.split(b"?")[0].decode("ascii", "replace"))
        status = 500
        try:
            response = await self._serve(request, route)
            status = response.status_code
            return response
        except OpenLakeError as error:
            status = error.status
            raise
        except _DATABASE_AWAY:
            status = 503
            raise
        except Exception as error:
            # Without the values of variables, which hold tokens.
            trace = traceback.format_exception(error)
            log.error("gateway.unforeseen_error", action=route.action, trace="".join(trace))
            return iceberg_error(500, "ServerErrorException", "the gateway failed; see its log")
        finally:
            metrics = self._parts.metrics
            metrics.requests.labels(route.action, status).inc()
            metrics.latency.labels(route.action).observe(time.perf_counter() - started)

    async def _serve(self, request: Request, route: Route) -> Response:
        parts = self._parts
        claims = await parts.access.authenticate(request.headers.get("authorization"))
        if route.warehouse != parts.config.warehouse:
            raise NotFound(f"there is no warehouse {route.warehouse!r}")
        branch = branch_of(claims)
        query = request.url.query
        if route.action in READS:
            await parts.access.check_read(claims, route.action)
            answer = await parts.reader.read(request.method, branch, route, query, claims)
            if branch != MAIN and answer.status_code in (400, 404):
                await _explain(parts, claims, branch, answer)
            return answer
        if isinstance(claims, ServiceClaims):
            parts.metrics.refused.labels("service_token").inc()
            raise Forbidden(f"the token of {claims.name} may not change the catalog")
        if isinstance(claims, PrincipalClaims):
            _check_writes(parts, claims)
        mutation = Mutation(
            route=route,
            method=request.method,
            branch=branch,
            query=query,
            body=await _body(request, parts.config.max_body_bytes),
            content_type=request.headers.get("content-type", "application/json"),
            idempotency_key=request.headers.get("idempotency-key"),
        )
        return await parts.committer.carry_out(mutation, claims)


async def _explain(
    parts: _Parts,
    claims: AttemptClaims | PrincipalClaims | ServiceClaims,
    branch: str,
    answer: Response,
) -> None:
    """Say why a branch is not there: it is dropped soon after its attempt or run is over.

    Raises:
        Forbidden: the attempt is over.
        NotFound: the branch has been dropped.
    """
    if isinstance(claims, AttemptClaims):
        await parts.access.check_open(claims)
    if b"NoSuchReference" in bytes(answer.body):
        raise NotFound(f"the catalog branch '{branch}' has been dropped; read main instead")


def _check_writes(parts: _Parts, claims: PrincipalClaims) -> None:
    if claims.access == "write" and claims.branch == MAIN:
        return
    parts.metrics.refused.labels("read_only").inc()
    where = "" if claims.branch == MAIN else f" on branch '{claims.branch}'"
    raise Forbidden(
        f"the token of {claims.user} may only read{where}; to write, send a token that may"
    )


async def _body(request: Request, limit: int) -> bytes:
    """Read the whole body, which may not be compressed, up to a limit."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Invalid("the gateway reads only bodies without Content-Encoding")
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(f"the body exceeds {limit} bytes")
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise Invalid("the client went away before its body was complete") from error
    return b"".join(chunks)


async def _render_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, OpenLakeError)  # noqa: S101 - registered for this class alone
    if request.method == "HEAD":
        return Response(status_code=error.status)
    return render(error)


async def _render_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    return iceberg_error(error.status_code, "BadRequestException", error.detail)


async def _render_database(request: Request, error: Exception) -> Response:
    log.warning("gateway.database_failed", error=str(error))
    return render(Unavailable("the gateway's database does not answer; try again"))
