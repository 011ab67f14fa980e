"""Reads JSON bodies that FastAPI does not read by itself, with the same errors as if it did."""

import json
from typing import Any, TypeVar, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from spec.errors import Invalid

T = TypeVar("T", bound=BaseModel)


async def read_object(request: Request) -> dict[str, Any]:
    """Read a JSON object; an empty body is an empty object.

    Raises:
        RequestValidationError: the body is not JSON.
        Invalid: it is JSON, but no object.
    """
    body = await request.body()
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        mistake: dict[str, Any] = {"type": "json_invalid", "loc": ("body",), "msg": str(error)}
        raise RequestValidationError([mistake]) from None
    if not isinstance(value, dict):
        raise Invalid("the body must be a JSON object")
    return cast(dict[str, Any], value)


def validate(model: type[T], value: object) -> T:
    """Read a model, with mistakes placed as if they stood in the body."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        mistakes = [{**m, "loc": ("body", *m["loc"])} for m in error.errors(include_context=False)]
        raise RequestValidationError(mistakes) from None
