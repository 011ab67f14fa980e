"""Links to artifacts that work without a token, for a while.

Databricks' clients ask for signed addresses of its cloud storage and send the bytes there; ours
lead back to this API, since nobody else reaches the object store.
"""

import hashlib
import hmac
import time
from typing import Literal
from urllib.parse import quote

from control.auth import same_secret
from control.deps import Deps
from control.mlflow.asking import Asking
from spec.errors import Forbidden

LIFE_S = 3600
PATH = "/api/2.0/mlflow-artifacts/signed/"

Operation = Literal["read", "write"]


def link(asking: Asking, path: str, operation: Operation) -> str:
    """Return an address at which anybody may read or write one artifact.

    Args:
        asking: Who may do it, and is given the link.
        path: Of the artifact store.
        operation: What the link is good for.
    """
    expires = int(time.time()) + LIFE_S
    signature = _sign(asking.deps, asking.workspace_id, path, operation, expires)
    query = f"workspace={asking.workspace_id}&expires={expires}&signature={signature}"
    return f"{asking.base_url}{PATH}{quote(path)}?{query}"


def check(
    deps: Deps, workspace_id: int, path: str, operation: Operation, expires: int, signature: str
) -> None:
    """Make sure that an address is one of ours and still good.

    Raises:
        Forbidden: it is not.
    """
    if not same_secret(signature, _sign(deps, workspace_id, path, operation, expires)):
        raise Forbidden("This link is not one that this server gave out for this.")
    if expires < time.time():
        raise Forbidden("This link has expired; ask for a new one.")


def _sign(deps: Deps, workspace_id: int, path: str, operation: Operation, expires: int) -> str:
    text = f"mlflow/{workspace_id}/{operation}/{expires}/{path}".encode()
    return hmac.new(deps.access.signing_key.encode(), text, hashlib.sha256).hexdigest()
