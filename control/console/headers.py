"""What every answer tells browsers: what it may load, who may show it, who may keep it.

People's browsers hold a session, and the API hands out what people have written: files, notebooks,
artifacts. So no answer but the console's own pages may run a script on the console's address.
"""

from starlette.datastructures import MutableHeaders

PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        # Charts and the editor set styles of their own.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_API_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_DOCS = "/api/docs"
_DOCUMENT = "/api/openapi.json"
_DOCS_POLICY = "sandbox allow-scripts allow-popups"
"""Its scripts come from elsewhere: they get no part in the session of who reads it."""


def complete(path: str, headers: MutableHeaders) -> None:
    """Add the headers that an answer has not set for itself."""
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    # The same address may be asked for in two workspaces.
    headers.setdefault("Cache-Control", "no-store")
    policy = _DOCS_POLICY if path == _DOCS else _API_POLICY
    headers.setdefault("Content-Security-Policy", policy)
    if path == _DOCUMENT:
        # A sandboxed page is nobody's, and may read only what everybody may.
        headers.setdefault("Access-Control-Allow-Origin", "*")
