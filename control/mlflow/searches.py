"""Searches over all that a workspace holds: pages hold what the caller may read, and are full."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from control.mlflow.asking import Asking
from control.mlflow.store import readable
from control.permissions.levels import Kind
from spec.errors import Invalid

_FETCHED = 500
"""Objects that MLflow is asked for at a time, where not all of them are the caller's to see."""
_MOST = 10_000
_DEFAULT = 1000

Ask = Callable[[Mapping[str, Any]], Any]
"""Sends the search with other fields; returns an awaitable of MLflow's answer."""


async def search(
    asking: Asking, kind: Kind, fields: Mapping[str, Any], items: str, key: str, ask: Ask
) -> dict[str, Any]:
    """Return a page of what the caller may read.

    Args:
        asking: Who searches; an admin sees everything.
        kind: Whose permissions count.
        fields: The search as it came.
        items: The answer's list.
        key: What names an item's object there: an experiment's id, a registered model's name.
        ask: Asks MLflow.
    """
    wanted = _wanted(fields.get("max_results"))
    if asking.caller.is_admin:
        return await ask({**fields, "max_results": wanted})
    async with asking.deps.database.read_session() as session:
        allowed = await readable(session, asking.caller, kind)
    token, skip = _read(str(fields.get("page_token") or ""))
    found: list[Any] = []
    while True:
        page = await ask({**fields, "max_results": _FETCHED, "page_token": token})
        rows = cast(list[dict[str, Any]], page.get(items, []))
        for place, row in enumerate(rows[skip:], skip):
            if row.get(key) not in allowed:
                continue
            if len(found) == wanted:
                return {items: found, "next_page_token": _written(token, place)}
            found.append(row)
        token, skip = str(page.get("next_page_token") or ""), 0
        if not token:
            return {items: found}


def _wanted(given: Any) -> int:
    try:
        wanted = int(given or _DEFAULT)
    except (TypeError, ValueError):
        raise Invalid("'max_results' must be a number") from None
    if not 1 <= wanted <= _MOST:
        raise Invalid(f"'max_results' must be between 1 and {_MOST:,}")
    return wanted


def _written(token: str, skip: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([token, skip]).encode()).decode()


def _read(token: str) -> tuple[str, int]:
    if not token:
        return "", 0
    try:
        content: Any = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        content = None
    match content:
        case [str(inner), int(skip)] if skip >= 0:
            return inner, skip
        case _:
            raise Invalid("'page_token' is not one that this server gave out")
