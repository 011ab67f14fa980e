"""Asks the control API with the attempt's own token, good while the attempt runs."""

import json
import os
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

PATIENCE_S = 120.0
"""For so long an API that is away is asked again: it may be starting anew."""


def ask(path: str, what: str, **query: str) -> dict[str, Any]:
    """Return the answer of a GET.

    Args:
        path: Under `/api`.
        what: What is asked for, for the error outside of a task, e.g. "secrets".
        query: Of the request.

    Raises:
        RuntimeError: this is no task.
        PermissionError: the attempt may not have it.
        ValueError: there is no such thing.
        ConnectionError: the API does not answer.
    """
    url, token = os.environ.get("OPENLAKE_API_URL"), os.environ.get("OPENLAKE_API_TOKEN")
    if not url or not token:
        raise RuntimeError(f"{what} are given to tasks that OpenLake runs, and only there")
    asked = f"?{urlencode(query)}" if query else ""
    request = Request(  # noqa: S310 - the address comes from the worker
        f"{url.rstrip('/')}/api/{path}{asked}",
        headers={"Authorization": f"Bearer {token}"},
    )
    opener = build_opener(ProxyHandler({}))
    deadline, pause = time.monotonic() + PATIENCE_S, 0.2
    while True:
        try:
            with opener.open(request, timeout=30) as answer:
                content: dict[str, Any] = json.load(answer)
                return content
        except HTTPError as error:
            with error:
                refusal = _refusal(error)
            if error.code not in (429, 502, 503, 504) or time.monotonic() > deadline:
                raise refusal from None
        except (URLError, TimeoutError, ConnectionError) as error:
            if time.monotonic() > deadline:
                raise ConnectionError(
                    f"the control API at {url} does not answer: {error}"
                ) from None
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _refusal(error: HTTPError) -> Exception:
    try:
        message = str(json.load(error)["message"])
    except (ValueError, KeyError, OSError):
        message = f"the control API answered {error.code}"
    if error.code in (401, 403):
        return PermissionError(message)
    return ValueError(message) if error.code < 500 else ConnectionError(message)
