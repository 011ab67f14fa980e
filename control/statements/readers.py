"""How statements reach tables: tokens of the person who asked, and keys for the files."""

import time
from datetime import UTC, datetime, timedelta

from control.gateway import tokens
from control.gateway.tokens import MAIN, PrincipalClaims
from control.internal.access import AttemptAccess
from spec.attempts import CatalogAccess, StorageAccess
from spec.statements import Access

_TOKEN_LIFE = timedelta(hours=26)
"""Longer than a statement may run, and be queued before."""
_SAME_FOR_S = 3600.0
_MOST_KNOWN = 1000


class Readers:
    """Each user's access for reading, made anew once an hour: workers keep what it opened."""

    def __init__(self) -> None:
        """See class."""
        self._known: dict[tuple[int, str, str], tuple[float, Access]] = {}

    async def of(
        self, access: AttemptAccess, workspace_id: int, user: str, branch: str | None
    ) -> Access:
        """Return the access for reading that a user has at this moment.

        Args:
            access: How the parts of the stack are reached.
            workspace_id: Of the user.
            user: Their name.
            branch: The catalog branch to be read; main when None.
        """
        key = (workspace_id, user, branch or MAIN)
        found = self._known.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        claims = PrincipalClaims(
            workspace_id=workspace_id,
            expires_at=datetime.now(UTC) + _TOKEN_LIFE,
            user=user,
            access="read",
            branch=branch or MAIN,
        )
        storage = await access.storage.issue(f"openlake-sql-{workspace_id}", workspace_id)
        made = _access(access, claims, storage)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = (time.monotonic() + _SAME_FOR_S, made)
        return made


def writer(
    access: AttemptAccess, workspace_id: int, user: str, statement_id: str, storage: StorageAccess
) -> Access:
    """Return the access of one statement that may write; its commits carry the statement's id."""
    claims = PrincipalClaims(
        workspace_id=workspace_id,
        expires_at=datetime.now(UTC) + _TOKEN_LIFE,
        user=user,
        access="write",
        statement_id=statement_id,
    )
    return _access(access, claims, storage)


def _access(access: AttemptAccess, claims: PrincipalClaims, storage: StorageAccess) -> Access:
    catalog = CatalogAccess(
        uri=access.catalog_uri,
        warehouse=access.warehouse,
        token=tokens.issue(access.signing_key, claims),
    )
    return Access(catalog=catalog, storage=storage)
