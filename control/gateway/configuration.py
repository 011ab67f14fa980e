"""The `config` answer: what Iceberg clients are told before their first call."""

from typing import Any

from control.gateway.routes import ENDPOINTS

_KEPT = ("client.region", "io-impl", "rest-page-size", "s3.endpoint", "s3.path-style-access")
"""Nessie's settings that clients may fall back to; never credentials, never its own addresses."""


def describe(upstream: dict[str, Any], warehouse: str) -> dict[str, Any]:
    """Return our configuration answer.

    Storage settings are mere defaults: what a client sets itself wins. With
    `idempotency-key-lifetime` (ISO 8601) Iceberg's Java client from 1.11 on sends an
    Idempotency-Key with each mutation and sends it again when the answer was lost.

    Args:
        upstream: Nessie's own answer.
        warehouse: The name under which the client knows the warehouse.
    """
    settings: dict[str, str] = upstream.get("defaults", {}) | upstream.get("overrides", {})
    defaults = {name: settings[name] for name in _KEPT if name in settings}
    return {
        "defaults": defaults | {"rest-metrics-reporting-enabled": "false"},
        "overrides": {"prefix": warehouse},
        "endpoints": list(ENDPOINTS),
        "idempotency-key-lifetime": "PT30M",
    }
