"""Claims and requests with sensible fields."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from control.gateway.routes import Route, match
from control.gateway.tokens import AttemptClaims, PrincipalClaims, ServiceClaims

KEY = "a-signing-key-of-the-tests-that-is-long-enough"
RUN = 7 << 20


def expiry(hours: float = 1) -> datetime:
    return (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)


def attempt_claims(ordinal: int = 1, **fields: Any) -> AttemptClaims:
    """The `ordinal`-th attempt of task `load` of one run."""
    run_id = fields.pop("run_id", RUN)
    values: dict[str, Any] = {
        "workspace_id": 1,
        "job_id": 5,
        "run_id": run_id,
        "task_run_id": run_id + ordinal,
        "task_key": "load",
        "attempt": ordinal - 1,
        "expires_at": expiry(),
    }
    return AttemptClaims(**values | fields)


def principal_claims(**fields: Any) -> PrincipalClaims:
    return PrincipalClaims(**{"workspace_id": 1, "user": "ada", "expires_at": expiry()} | fields)


def service_claims(**fields: Any) -> ServiceClaims:
    return ServiceClaims(**{"workspace_id": 1, "name": "trino", "expires_at": expiry()} | fields)


def route(method: str, tail: str) -> Route:
    return match(method, f"/iceberg/v1/lakehouse/{tail}")


def append_body(snapshot_id: int, parent: int | None = None, **summary: str) -> bytes:
    """A commit as PyIceberg sends it."""
    snapshot: dict[str, Any] = {
        "snapshot-id": snapshot_id,
        "sequence-number": 1,
        "timestamp-ms": 1795397698148,
        "manifest-list": "s3://lakehouse/a/t/metadata/snap-1.avro",
        "summary": {"operation": "append", **summary},
        "schema-id": 0,
    }
    if parent is not None:
        snapshot["parent-snapshot-id"] = parent
    body = {
        "identifier": {"namespace": ["a"], "name": "t"},
        "requirements": [{"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": parent}],
        "updates": [
            {"action": "add-snapshot", "snapshot": snapshot},
            {
                "action": "set-snapshot-ref",
                "ref-name": "main",
                "type": "branch",
                "snapshot-id": snapshot_id,
            },
        ],
    }
    return json.dumps(body).encode()
