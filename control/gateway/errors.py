"""Renders failures in the Iceberg REST error shape: `{"error": {message, type, code}}`."""

import json

from starlette.responses import Response

from spec.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OpenLakeError,
    Unauthenticated,
    Unavailable,
)

_TYPES: dict[type[OpenLakeError], str] = {
    Unauthenticated: "NotAuthorizedException",
    Forbidden: "ForbiddenException",
    Invalid: "BadRequestException",
    NotFound: "NotFoundException",
    Conflict: "CommitFailedException",
    Unavailable: "ServiceUnavailableException",
}


class OutcomeUnknown(OpenLakeError):
    """A commit was passed on and its outcome is not known; clients must not clean up after it.

    Iceberg clients read status 504 on a commit as `CommitStateUnknownException`.
    """

    code = "COMMIT_STATE_UNKNOWN"
    status = 504


class BodyTooLarge(OpenLakeError):
    """The request body exceeds the gateway's limit."""

    code = "REQUEST_TOO_LARGE"
    status = 413


def render(error: OpenLakeError) -> Response:
    """Return the answer for one of our errors."""
    name = _TYPES.get(type(error), "ServerErrorException")
    if isinstance(error, OutcomeUnknown):
        name = "CommitStateUnknownException"
    elif isinstance(error, BodyTooLarge):
        name = "BadRequestException"
    return iceberg_error(error.status, name, error.message)


def iceberg_error(status: int, name: str, message: str) -> Response:
    """Return an error answer of Iceberg's shape.

    A 503 says when to come again: Iceberg's Java client (1.12) re-sends a commit only then.
    """
    body = json.dumps({"error": {"message": message, "type": name, "code": status}})
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(body, status_code=status, media_type="application/json", headers=headers)
