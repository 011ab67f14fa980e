"""Which workspace of the local stack the command line talks to, and the tokens it has for others.

Kept in the stack's folder of secrets, for its owner alone. Without a choice it is the first one.
"""

import json
from typing import Any

from control.stack.layout import Layout
from control.stack.secrets import write_secret

_NAME = "workspaces"


def token(layout: Layout) -> str:
    """Return the token of the workspace in use.

    Raises:
        Unavailable: `openlake up` has made none yet.
    """
    kept = _read(layout)
    return kept["tokens"].get(str(kept["current"])) or layout.secret("token")


def workspace_id(layout: Layout) -> int | None:
    """Return the id of the workspace in use; None for the first one."""
    return _read(layout)["current"]


def keep(layout: Layout, workspace: int, value: str) -> None:
    """Remember the token of a workspace."""
    kept = _read(layout)
    kept["tokens"][str(workspace)] = value
    _write(layout, kept)


def has_token(layout: Layout, workspace: int) -> bool:
    """Tell whether a workspace's token is kept."""
    return str(workspace) in _read(layout)["tokens"]


def use(layout: Layout, workspace: int | None) -> None:
    """Talk to a workspace from now on; None for the first one."""
    _write(layout, {**_read(layout), "current": workspace})


def forget(layout: Layout, workspace: int) -> None:
    """Drop what is kept of a workspace; if it was in use, the first one is again."""
    kept = _read(layout)
    kept["tokens"].pop(str(workspace), None)
    if kept["current"] == workspace:
        kept["current"] = None
    _write(layout, kept)


def _read(layout: Layout) -> dict[str, Any]:
    if not (layout.secrets_dir / _NAME).is_file():
        return {"current": None, "tokens": {}}
    return json.loads(layout.secret(_NAME))


def _write(layout: Layout, kept: dict[str, Any]) -> None:
    write_secret(layout.secrets_dir, _NAME, json.dumps(kept))
