"""`/api/openlake/1.0/sessions` and what else the console asks for before anybody is signed in."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from control.auth import bearer
from control.console import cookies, service
from control.http import CallerArg, DepsArg
from spec.api.jobs import Empty
from spec.api.sessions import ConsoleFacts, CreatedSignInCode, SessionList, SessionView, SignIn
from spec.errors import Invalid

router = APIRouter(prefix="/api/openlake/1.0/sessions", tags=["console"])
settings = APIRouter(prefix="/api/openlake/1.0/console", tags=["console"])


@router.post("")
async def sign_in(body: SignIn, request: Request, response: Response, deps: DepsArg) -> SessionView:
    """Sign a browser in to a workspace by cookie, beside those it is signed in to already."""
    if "origin" in request.headers or "sec-fetch-site" in request.headers:
        # Nobody may sign a person in behind their back, to see what they type.
        cookies.require_same_origin(request)
    begun = await service.sign_in(
        deps,
        body,
        cookie=cookies.read(request),
        address=request.client.host if request.client is not None else "",
        request_id=request.state.request_id,
    )
    cookies.write(request, response, begun.cookie, begun.expires_at)
    return begun.view


@router.get("")
async def list_sessions(request: Request, deps: DepsArg) -> SessionList:
    """List the workspaces that a browser is signed in to; empty for who is not signed in."""
    return await service.list_sessions(deps, cookies.read(request))


@router.post("/codes")
async def create_sign_in_code(
    request: Request, caller: CallerArg, deps: DepsArg
) -> CreatedSignInCode:
    """Make a code that signs a browser in once, within a minute, as the token of this request."""
    header = request.headers.get("authorization")
    if header is None:
        raise Invalid("only an access token makes sign-in codes: send it as a bearer token")
    return await service.make_code(deps, caller, bearer(header))


@router.delete("/{workspace_id}")
async def sign_out(workspace_id: int, request: Request, response: Response, deps: DepsArg) -> Empty:
    """Sign a browser out of a workspace."""
    cookie = cookies.read(request)
    if cookie is not None:
        cookies.require_same_origin(request)
    await service.sign_out(deps, cookie, workspace_id, request.state.request_id)
    if not (await service.list_sessions(deps, cookie)).sessions:
        cookies.clear(request, response)
    return Empty()


@settings.get("/settings")
async def get_console_settings(deps: DepsArg) -> ConsoleFacts:
    """Read what the console shows of the stack; open to all."""
    return ConsoleFacts(
        version=deps.console.version,
        temporal_ui_url=deps.console.temporal_ui_url,
        temporal_namespace=deps.console.temporal_namespace,
    )
