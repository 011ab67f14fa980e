"""What routers share: who calls, which collaborators, which API version."""

import json
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.convertors import Convertor, register_url_convertor

from control.auth import Caller, bearer, same_secret
from control.console import cookies
from control.deps import Deps, get_deps
from spec.errors import Unauthenticated


class JobsVersion(Convertor[str]):
    """Matches the versions of the jobs API that clients use."""

    regex = r"2\.[012]"

    def convert(self, value: str) -> str:
        """See base class."""
        return value

    def to_string(self, value: str) -> str:
        """See base class."""
        return value


register_url_convertor("jobs_version", JobsVersion())

DepsArg = Annotated[Deps, Depends(get_deps)]


async def get_caller(request: Request, deps: DepsArg) -> Caller:
    """Return who calls, by token or else by the console's cookie; for `Depends`."""
    header = request.headers.get("authorization")
    cookie = cookies.read(request) if header is None else None
    if cookie is None:
        caller = await deps.authenticator.caller(deps.database, bearer(header))
    else:
        chosen = cookies.chosen_workspace(request)
        caller = await deps.authenticator.browser(deps.database, cookie, chosen)
    return replace(caller, request_id=request.state.request_id)


CallerArg = Annotated[Caller, Depends(get_caller)]


async def require_worker(request: Request, deps: DepsArg) -> None:
    """Let only engine workers pass; for `Depends`."""
    if not same_secret(bearer(request.headers.get("authorization")), deps.worker_token):
        raise Unauthenticated("This is not the worker token of this stack.")


async def until_gone(request: Request) -> None:
    """Return when the client of a request without a body is not there any more."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def compact(model: BaseModel, status: int = 200) -> Response:
    """Answer a model without its empty optional fields, as Databricks does.

    A `next_page_token` that is there though there is no next page would keep clients paging.
    """
    return json_answer(model.model_dump(mode="json", exclude_none=True), status)


def whole(model: BaseModel) -> Response:
    """Answer a model with its empty fields as null; for operations of our own."""
    return Response(model.model_dump_json(), media_type="application/json")


def json_answer(body: Any, status: int = 200) -> Response:
    """Answer plain data."""
    return Response(to_json(body), status, media_type="application/json")


def to_json(body: Any) -> str:
    """Spell plain data as JSON on one line."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
