"""Links to archives that work without a token, for a while: Databricks' `artifacts_link`."""

import hashlib
import hmac
import time

from control.auth import same_secret
from control.deps import Deps
from spec.errors import Forbidden

LIFE_S = 1800
"""As long as Databricks' links live."""


def link(deps: Deps, task_run_id: int) -> str:
    """Return an address that gives the archive of a task run to whoever has it."""
    expires = int(time.time()) + LIFE_S
    signature = _sign(deps, task_run_id, expires)
    place = f"/api/openlake/1.0/task-runs/{task_run_id}/artifacts"
    return f"{deps.public_url}{place}?expires={expires}&signature={signature}"


def check(deps: Deps, task_run_id: int, expires: int, signature: str) -> None:
    """Make sure that an address is one of ours and still good.

    Raises:
        Forbidden: it is not.
    """
    if not same_secret(signature, _sign(deps, task_run_id, expires)):
        raise Forbidden("This link is not one that this server gave out.")
    if expires < time.time():
        raise Forbidden("This link has expired; ask jobs/runs/get-output for a new one.")


def _sign(deps: Deps, task_run_id: int, expires: int) -> str:
    text = f"artifacts/{task_run_id}/{expires}".encode()
    return hmac.new(deps.access.signing_key.encode(), text, hashlib.sha256).hexdigest()
