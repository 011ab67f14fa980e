"""Hands the settings of `up` on to the processes of the control plane, without any secret."""

import sys
from typing import Any, cast

from control.stack.layout import Layout

PYTHON_QUIET = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def openlake_command(*words: str) -> tuple[str, ...]:
    """Return the command line of `openlake` in this very environment."""
    return (sys.executable, "-m", "control.cli", *words)


def settings_environment(layout: Layout) -> dict[str, str]:
    """Return the variables from which `Settings()` makes the same settings again.

    Secrets are not among them: the processes read those from files of the data folder.
    """
    # JSON mode leaves secrets masked; they are dropped by name below.
    tree: dict[str, Any] = layout.settings.model_dump(mode="json", exclude_none=True)
    tree["data_dir"], tree["cache_dir"] = str(layout.data_dir), str(layout.cache_dir)
    tree["object_store"].pop("access_key", None)
    tree["object_store"].pop("secret_key", None)
    tree["notifications"].pop("smtp_password", None)
    tree["worker"].pop("airflow", None)
    return dict(_flatten("OPENLAKE", tree))


def _flatten(prefix: str, tree: dict[str, Any]) -> list[tuple[str, str]]:
    joint = "_" if prefix == "OPENLAKE" else "__"
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{joint}{name.upper()}"
        if isinstance(value, dict):
            pairs += _flatten(key, cast(dict[str, Any], value))
        else:
            pairs.append((key, str(value)))
    return pairs
