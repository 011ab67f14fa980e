"""Renders every failure in Databricks' error shape; FastAPI's own handlers are all replaced."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from control.identity import errors as scim
from spec.errors import OpenLakeError

log = structlog.get_logger(__name__)

_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class ErrorBody(BaseModel):
    """What every error answer looks like."""

    error_code: str
    message: str
    details: list[dict[str, Any]] = []


def install(app: FastAPI) -> None:
    """Make `app` answer every error in our shape."""
    app.add_exception_handler(OpenLakeError, _spoken(_ours))
    app.add_exception_handler(RequestValidationError, _spoken(_validation))
    app.add_exception_handler(HTTPException, _spoken(_http))
    app.add_exception_handler(OperationalError, _spoken(_database))
    app.add_exception_handler(InterfaceError, _spoken(_database))
    app.add_exception_handler(OSError, _spoken(_database))
    app.add_exception_handler(DBAPIError, _spoken(_database))
    app.add_exception_handler(UnicodeEncodeError, _spoken(_unicode))


Handler = Callable[[Request, Exception], Awaitable[JSONResponse]]


def _spoken(handler: Handler) -> Handler:
    """Let a handler answer in the shape of the protocol that the path belongs to."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        ours = await handler(request, error)
        if not request.url.path.startswith(scim.PREFIX):
            return ours
        message = json.loads(bytes(ours.body))["message"]
        theirs = scim.scim_answer(error, ours.status_code, message)
        if wait := ours.headers.get("Retry-After"):
            theirs.headers["Retry-After"] = wait
        return theirs

    return answer


def render(
    status: int, code: str, message: str, details: Sequence[dict[str, Any]] = ()
) -> JSONResponse:
    """Return an error answer."""
    body = {"error_code": code, "message": message, "details": list(details)}
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return _Ascii(body, status_code=status, headers=headers)


class _Ascii(JSONResponse):
    """JSON with escapes: a message may quote half of a surrogate pair, which UTF-8 cannot spell."""

    def render(self, content: Any) -> bytes:
        """See base class."""
        return json.dumps(content).encode()


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OpenLakeError)  # noqa: S101 - registered for this class alone
    details: list[dict[str, Any]] = []
    facts = dict(error.facts)
    problems = facts.pop("problems", None)
    if problems:
        violations = [_violation(problem) for problem in problems]
        details.append({"@type": _BAD_REQUEST, "field_violations": violations})
    if facts:
        metadata = {name: str(value) for name, value in facts.items()}
        info = {"@type": _INFO, "reason": error.code, "domain": "openlake", "metadata": metadata}
        details.append(info)
    return render(error.status, error.code, error.message, details)


def _violation(problem: dict[str, Any]) -> dict[str, Any]:
    return {
        "field": problem.get("path", ""),
        "description": problem.get("message", ""),
        **{key: problem[key] for key in ("file", "line", "column") if key in problem},
    }


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    if any(mistake["type"] == "json_invalid" for mistake in error.errors()):
        return render(400, "MALFORMED_REQUEST", "The body is not valid JSON.")
    mistakes = [(place(m["loc"]), reason(m)) for m in error.errors()]
    return invalid(mistakes)


def invalid(mistakes: Sequence[tuple[str, str]]) -> JSONResponse:
    """Return a 400 that names every mistake as (place, reason)."""
    text = "; ".join(f"{where}: {why}" if where else why for where, why in mistakes)
    violations = [{"field": where, "description": why} for where, why in mistakes]
    details = [{"@type": _BAD_REQUEST, "field_violations": violations}]
    return render(400, "INVALID_PARAMETER_VALUE", text, details)


def place(location: Sequence[str | int]) -> str:
    """Spell where a mistake is, e.g. `tasks[1].sql_task.warehouse_id`."""
    text = ""
    for part in location[1:] if location and location[0] in _SOURCES else location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_SOURCES = ("body", "query", "path", "header")


def reason(mistake: dict[str, Any]) -> str:
    """Return pydantic's message as a person would write it."""
    if mistake["type"] == "extra_forbidden":
        return "this field is not known to OpenLake; remove it"
    return str(mistake["msg"]).removeprefix("Value error, ")


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == 404:
        message = f"No API found for '{request.method} {request.url.path}'."
        return render(404, "ENDPOINT_NOT_FOUND", message)
    if error.status_code == 405:
        message = f"'{request.url.path}' does not take {request.method}."
        return render(405, "METHOD_NOT_ALLOWED", message)
    if error.status_code == 400:
        return render(400, "MALFORMED_REQUEST", str(error.detail))
    return render(error.status_code, "BAD_REQUEST", str(error.detail))


async def _database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DBAPIError) and _is_bad_value(error):
        log.warning("database.bad_value", error=str(error).splitlines()[0])
        return _unfit()
    if isinstance(error, DBAPIError) and not (
        error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    ):
        return internal(request, error)
    log.warning("database.unavailable", error=str(error).splitlines()[0])
    return render(503, "TEMPORARILY_UNAVAILABLE", "The database does not answer; try again.")


async def _unicode(request: Request, error: Exception) -> JSONResponse:
    return _unfit()


def _unfit() -> JSONResponse:
    return render(
        400,
        "INVALID_PARAMETER_VALUE",
        "A value cannot be stored: a number beyond 64 bits, or text with a NUL or with half of a"
        " surrogate pair.",
    )


def _is_bad_value(error: DBAPIError) -> bool:
    """Tell whether PostgreSQL, or its driver, takes no such value.

    PostgreSQL says so with a code of class 22 (data exceptions) or 54 (a limit of its own, such as
    the size of an index entry), asyncpg by a class of that name.
    """
    cause = getattr(error.orig, "__cause__", None)
    code = getattr(error.orig, "sqlstate", None) or ""
    return str(code).startswith(("22", "54")) or type(cause).__name__ == "DataError"


def internal(request: Request, error: Exception) -> JSONResponse:
    """Log a failure that nobody foresaw and answer without a word of its inside."""
    request_id = getattr(request.state, "request_id", "")
    log.error("request.failed", path=request.url.path, request_id=request_id, exc_info=error)
    message = f"The server failed to answer; its log has the reason under request {request_id}."
    return render(500, "INTERNAL_ERROR", message)
