"""Hands the settings of `up` on to the processes of the control plane, without any secret."""

import json
import os
import sys
from typing import Any, cast

from control.stack.layout import Layout

PYTHON_QUIET = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def openlake_command(*words: str) -> tuple[str, ...]:
    """Return the command line of `openlake` in this very environment."""
    return (sys.executable, "-m", "control.cli", *words)


_NETWORK = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)

_OF_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
"""uv does not read pip's variables; what they say of package indexes holds for it too."""


def network_environment() -> dict[str, str]:
    """Return how this machine reaches others: certificates and proxies, and its programs."""
    kept = {name: os.environ[name] for name in ("PATH", *_NETWORK) if name in os.environ}
    if "SSL_CERT_FILE" in kept:
        kept["GIT_SSL_CAINFO"] = kept["SSL_CERT_FILE"]
    return kept


def index_environment() -> dict[str, str]:
    """Return where this machine's Python packages come from, as uv reads it."""
    own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    of_pip = {name: os.environ[pip] for pip, name in _OF_PIP.items() if pip in os.environ}
    return of_pip | own


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
    tree["git"].pop("hosts", None)
    tree.pop("catalogs", None)
    # Its keys are names of people's and of Spark's, which a variable's name could not hold.
    tree["worker"]["compute_profiles"] = json.dumps(tree["worker"]["compute_profiles"])
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
