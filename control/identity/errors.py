"""What can be wrong with a SCIM request, and how SCIM says so (RFC 7644 section 3.12)."""

from typing import ClassVar

from fastapi.responses import JSONResponse

from spec.api.scim import ScimError
from spec.errors import Conflict, Invalid

PREFIX = "/api/2.0/preview/scim/"
"""All paths below answer their errors in SCIM's shape."""

_BY_STATUS = {400: "invalidValue", 409: "uniqueness", 413: "tooMany"}


class InvalidFilter(Invalid):
    """A filter or a sort key cannot be read."""

    scim_type: ClassVar[str] = "invalidFilter"


class InvalidPath(Invalid):
    """The path of a PATCH cannot be read, or leads nowhere."""

    scim_type: ClassVar[str] = "invalidPath"


class Immutable(Invalid):
    """What is to be changed never changes."""

    scim_type: ClassVar[str] = "mutability"


class NameTaken(Conflict):
    """Another principal of the workspace has this name."""

    code = "RESOURCE_ALREADY_EXISTS"


def scim_answer(error: Exception, status: int, message: str) -> JSONResponse:
    """Return an error answer in SCIM's shape.

    Clients of Databricks tell the kind by the HTTP status: their SDK reads `detail` before any
    error code.
    """
    kind = getattr(error, "scim_type", _BY_STATUS.get(status, ""))
    body = ScimError(detail=message, status=str(status), scim_type=kind)
    return JSONResponse(body.model_dump(), status_code=status)
