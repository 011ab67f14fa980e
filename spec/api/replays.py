"""Shapes of `/api/openlake/1.0/runs/{run_id}/replay`."""

from spec.api.runs import IdempotencyToken
from spec.model import Model


class StartReplay(Model):
    """Request to replay a run; the body may be left out."""

    idempotency_token: str | None = IdempotencyToken
