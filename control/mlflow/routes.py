"""`/api/2.0/mlflow/…` and what belongs to it under `/api/3.0`: MLflow's own REST API."""

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from control import errors
from control.http import json_answer
from control.mlflow import calls, forwarding, service
from control.mlflow.asking import Asking, AskingArg
from control.mlflow.server import Refused
from spec.errors import Invalid, TooLarge

_MOST_BYTES = 32 * 1024 * 1024
_UNITY = "2.0/mlflow/unity-catalog/"

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class MlflowRoute(APIRoute):
    """Answers what MLflow refuses in its own words."""

    def get_route_handler(self) -> _Handler:
        """See base class."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as error:
                return errors.render(error.status, error.code, error.message)

        return answer


router = APIRouter(tags=["mlflow"], route_class=MlflowRoute)
_METHODS = ["GET", "POST", "PATCH", "DELETE"]


@router.api_route("/api/2.0/mlflow/{path:path}", methods=_METHODS, include_in_schema=False)
async def call_mlflow(path: str, request: Request, asking: AskingArg) -> Response:
    """Pass a call on to MLflow."""
    return await _answer(asking, request, f"2.0/mlflow/{path}")


@router.api_route("/api/3.0/mlflow/{path:path}", methods=_METHODS, include_in_schema=False)
async def call_mlflow_3(path: str, request: Request, asking: AskingArg) -> Response:
    """Pass a call on to MLflow."""
    return await _answer(asking, request, f"3.0/mlflow/{path}")


async def _answer(asking: Asking, request: Request, path: str) -> Response:
    matched = calls.match(request.method, path)
    if matched is None:
        return errors.render(404, "ENDPOINT_NOT_FOUND", _unknown(request.method, path))
    fields = {**_query(request), **await _body(request)}
    return json_answer(await service.answer(asking, forwarding.Request(matched, fields)))


def _unknown(method: str, path: str) -> str:
    if path.startswith(_UNITY):
        return (
            "Models are kept in the workspace's model registry, not in Unity Catalog: call"
            " mlflow.set_registry_uri('databricks'), or set MLFLOW_REGISTRY_URI=databricks."
        )
    return f"No API found for '{method} /api/{path}'."


def _query(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in fields:
            held = fields[name]
            fields[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            fields[name] = value
    _check_text(json.dumps(fields))
    return fields


async def _body(request: Request) -> Mapping[str, Any]:
    if request.method == "GET":
        return {}
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > _MOST_BYTES:
        raise TooLarge(f"a call has at most {_MOST_BYTES:,} bytes, not {int(length):,}")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise TooLarge(f"a call has at most {_MOST_BYTES:,} bytes")
    if not content.strip():
        return {}
    try:
        body: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Malformed("The body must be a JSON object.")
    _check_text(content)
    return cast(dict[str, Any], body)


class Malformed(Invalid):
    """The body cannot be read."""

    code = "MALFORMED_REQUEST"


def _check_text(content: str | bytes | bytearray) -> None:
    nul = "\\u0000" if isinstance(content, str) else b"\\u0000"
    if nul in content:  # pyright: ignore[reportOperatorIssue]
        raise Invalid("text must not contain the character U+0000")
