"""Serves the console's pages to everybody; what they show, they ask the API for.

The pages are one: `index.html` answers every address that belongs to no API, and its script finds
out what to show. Files under `/assets/` have their content's hash in their name, and stay.
"""

import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from control import errors
from control.console.headers import PAGE_POLICY

API_PLACES = ("api", "internal", "health", "metrics", ".well-known", "oidc", "sql/1.0")
"""Below these nothing is a page: what nobody serves there is answered as the API does."""
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""What a file may lie beside in, best first."""
_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>OpenLake</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 4em auto">
<h1>The console is not built yet</h1>
<p>Run <code>make ui</code> in the checkout, then load this page again. The API works without it:
<a href="/api/docs">its operations</a>.</p>
"""


class PagesRoute(Route):
    """Matches every address that is no API's; to be added behind all other routes."""

    def __init__(self, folder: Path) -> None:
        """See class.

        Args:
            folder: Where `index.html` is, once it is built.
        """
        self._pages = _Pages(folder)
        super().__init__("/{path:path}", self._pages, methods=["GET", "HEAD"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See base class; what is no page is left alone, also with another method."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        place = f"{scope['path'].removeprefix('/')}/"
        if place.startswith(tuple(f"{each}/" for each in API_PLACES)):
            return Match.NONE, {}
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class _Pages:
    """The ASGI app behind the route."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope["path"].removeprefix("/"), Headers(scope=scope))
        answer.headers["Content-Security-Policy"] = PAGE_POLICY
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        await answer(scope, receive, send)

    def _answer(self, path: str, headers: Headers) -> Response:
        accepted = headers.get("accept-encoding", "")
        if (file := self._file(path)) is not None:
            for_ever = path.startswith("assets/")
            return _send(file, accepted, _FOR_EVER if for_ever else "no-cache")
        if path.startswith("assets/"):
            # A page that was loaded before the last build asks for what is gone.
            message = f"The console has no file '/{path}' any more; load the page again."
            return errors.render(404, "ENDPOINT_NOT_FOUND", message)
        index = self._file("index.html")
        if index is None:
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
        return _send(index, accepted, "no-store")

    def _file(self, path: str) -> Path | None:
        """Return a file of the folder; None for what is not there, or lies elsewhere."""
        try:
            found = (self._folder / path).resolve()
            inside = found.is_relative_to(self._folder.resolve())
            return found if inside and found.is_file() else None
        except (OSError, ValueError):
            # A name that is too long, or has a NUL.
            return None


def _send(file: Path, accepted: str, keeping: str) -> Response:
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": keeping, "Vary": "Accept-Encoding"}
    words = {each.split(";")[0].strip() for each in accepted.split(",")}
    for encoding, ending in _ENCODINGS.items():
        packed = file.with_name(file.name + ending)
        if encoding in words and packed.is_file():
            headers["Content-Encoding"] = encoding
            return FileResponse(packed, media_type=media_type, headers=headers)
    return FileResponse(file, media_type=media_type, headers=headers)
