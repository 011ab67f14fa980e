"""One call as it came, and how it is sent on."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote

from control.mlflow.asking import Asking
from control.mlflow.calls import Matched, full_path
from spec.errors import Invalid


@dataclass(frozen=True)
class Request:
    """One call of MLflow's REST API."""

    matched: Matched
    fields: Mapping[str, Any]
    """Of the query and the body; a GET's value that came more than once is a list."""

    @cached_property
    def named(self) -> Mapping[str, Any]:
        """The fields and what the path holds.

        Raises:
            Invalid: the fields say otherwise than the path, or hold what no database takes.
        """
        for name, value in self.matched.parts.items():
            if value in (".", "..") or self.fields.get(name, value) != value:
                raise Invalid(f"'{name}' in the path and in the body are not the same")
        return {**self.fields, **self.matched.parts}

    def text(self, name: str) -> str:
        """Return a field that must be there.

        Raises:
            Invalid: it is missing, or no text.
        """
        value = self.fields.get(name)
        if not isinstance(value, str) or not value:
            raise Invalid(f"the field '{name}' is missing, or no text")
        return value


async def send(
    asking: Asking, request: Request, fields: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Send a call on, with other fields if there are any.

    Raises:
        Refused: MLflow said no.
        Unavailable: it does not answer.
    """
    call = request.matched.call
    path = call.upstream or full_path(call)
    for name, value in request.matched.parts.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    given = request.fields if fields is None else fields
    # MLflow wants what the path names in the body too; Databricks' clients leave it out there.
    parts = request.matched.parts
    reads = call.method == "GET"
    return await asking.server.call(
        asking.workspace_id,
        call.method,
        f"/api/{path}",
        query=_query(given) if reads else (),
        body=None if reads else {**given, **parts},
    )


def _query(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        for each in cast(list[Any], value) if isinstance(value, list) else [value]:
            if isinstance(each, bool):
                pairs.append((name, str(each).lower()))
            elif isinstance(each, str | int | float):
                pairs.append((name, str(each)))
            else:
                raise Invalid(f"'{name}' must be text or a number")
    return pairs
