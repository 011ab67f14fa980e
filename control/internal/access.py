"""What every attempt is given beside its own work: addresses, a token, storage keys."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from control.gateway import tokens
from control.gateway.tokens import AttemptClaims
from control.storage import StorageIssuer
from spec.attempts import AttemptRef, CatalogAccess

TOKEN_LIFE = timedelta(days=61)
"""Longer than an attempt may last; it is the fence that ends a token, not its age."""


@dataclass(frozen=True)
class AttemptAccess:
    """How attempts reach the parts of the stack."""

    catalog_uri: str
    """The gateway's Iceberg REST address."""
    signing_key: str = field(repr=False)
    """Shared with the gateway."""
    storage: StorageIssuer = field(repr=False)
    warehouse: str = "lakehouse"

    def claims(self, ref: AttemptRef) -> AttemptClaims:
        """Return what the attempt's catalog token says."""
        return AttemptClaims(
            workspace_id=ref.workspace_id,
            job_id=ref.job_id,
            run_id=ref.run_id,
            task_run_id=ref.task_run_id,
            task_key=ref.task_key,
            attempt=ref.attempt,
            expires_at=datetime.now(UTC) + TOKEN_LIFE,
        )

    def catalog(self, claims: AttemptClaims) -> CatalogAccess:
        """Return the way to the tables, with the attempt's own token."""
        return CatalogAccess(
            uri=self.catalog_uri,
            warehouse=self.warehouse,
            token=tokens.issue(self.signing_key, claims),
        )

    def api_token(self, claims: AttemptClaims) -> str:
        """Return the token with which the attempt's user code asks for secrets."""
        return tokens.issue(self.signing_key, claims, audience=tokens.API_AUDIENCE)
