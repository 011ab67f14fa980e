"""The cookie that signs a browser in, and what a request must show beside it.

A browser sends a cookie by itself, whoever made the page that asks. So the cookie is for the
console's own pages alone (`SameSite=Strict`), scripts cannot read it (`HttpOnly`), and a request
that changes anything must name its workspace in a header and come from a page of this server.
"""

from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from spec.errors import Forbidden, Invalid

WORKSPACE_HEADER = "X-Databricks-Org-Id"
"""Databricks' own; names the workspace among those that a browser is signed in to."""
WORKSPACE_QUERY = "o"
"""The same in an address; Databricks' links end so too."""
_READS = ("GET", "HEAD")


def _name(request: Request) -> str:
    # Cookies do not tell ports apart, and several stacks may run on one machine.
    port = urlsplit(f"//{request.headers.get('host', '')}").port
    name = "openlake_session" + (f"_{port}" if port else "")
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    """Tell whether the browser's own connection is encrypted; a proxy in front says so."""
    return request.url.scheme == "https"


def read(request: Request) -> str | None:
    """Return the cookie's value."""
    return request.cookies.get(_name(request)) or None


def write(request: Request, response: Response, value: str, expires_at: datetime) -> None:
    """Have the browser keep the cookie."""
    response.set_cookie(
        _name(request),
        value,
        expires=expires_at,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def clear(request: Request, response: Response) -> None:
    """Have the browser forget the cookie."""
    response.delete_cookie(
        _name(request), path="/", secure=_is_secure(request), httponly=True, samesite="strict"
    )


def chosen_workspace(request: Request) -> int | None:
    """Return the workspace that a request by cookie names; None when it names none.

    Raises:
        Invalid: it is no number.
        Forbidden: the request changes something, and does not come from a page of this server
            with the workspace in its header.
    """
    header = request.headers.get(WORKSPACE_HEADER)
    if request.method in _READS:
        return _number(header or getattr(request.state, "chosen_workspace", None))
    if header is None:
        raise Forbidden(
            "A request that changes something and is signed in by cookie names its workspace in"
            f" the header {WORKSPACE_HEADER}; programs send 'Authorization: Bearer <token>'"
            " instead."
        )
    require_same_origin(request)
    return _number(header)


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid(
            f"the workspace is named by its number, in the header {WORKSPACE_HEADER} or as"
            f" '?{WORKSPACE_QUERY}=<workspace_id>'"
        )
    return int(text)


def require_same_origin(request: Request) -> None:
    """Let only those requests pass that a page of this server has made.

    Raises:
        Forbidden: another page has made it, or none that says so.
    """
    site = request.headers.get("sec-fetch-site")
    if site is None:
        origin = request.headers.get("origin")
        is_own = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    else:
        is_own = site == "same-origin"
    if not is_own:
        raise Forbidden(
            "This request is signed in by cookie and does not come from a page of this server; use"
            " the console at its own address, or send 'Authorization: Bearer <token>'."
        )
