"""The MLflow server behind a door: who does not know the stack's secret is turned away.

MLflow itself has no idea of OpenLake's users, so only the proxy (`control/mlflow`) may reach it: it
sends the secret as a bearer token. The machine's owner may open MLflow's own pages with the
secret as password, under any user name. `/health` is open.
"""

import base64
import hmac
import os
from pathlib import Path
from typing import Any

from mlflow.server.fastapi_app import app as mlflow_app
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SECRET_FILE = "OPENLAKE_MLFLOW_SECRET_FILE"  # noqa: S105 - the name of a variable


class Door:
    """Lets calls through that carry the secret."""

    def __init__(self, inside: ASGIApp, secret: str) -> None:
        """See class."""
        self._inside = inside
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See class."""
        if scope["type"] == "lifespan" or scope.get("path") == "/health" or self._opens(scope):
            await self._inside(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = JSONResponse(
            {
                "error_code": "UNAUTHENTICATED",
                "message": "MLflow is reached through OpenLake's REST API, with its token.",
            },
            status_code=401,
            headers={"WWW-Authenticate": 'Basic realm="MLflow"'},
        )
        await answer(scope, receive, send)

    def _opens(self, scope: Scope) -> bool:
        given = _secret_in(Headers(scope=scope).get("authorization", ""))
        return hmac.compare_digest(given, self._secret)


def _secret_in(header: str) -> bytes:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""


def create_app() -> Any:
    """Return the server; for `uvicorn --factory`."""
    return Door(mlflow_app, Path(os.environ[SECRET_FILE]).read_text().strip())
