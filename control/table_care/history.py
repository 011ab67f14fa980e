"""What the catalog's branches refer to, now and back to a moment: the states of tables.

Nessie keeps a commit log for every branch and tag; each commit says which metadata file it left a
table at. A state is in use as long as a branch stands at it, or stood at it after the cutoff.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from control.gateway.upstream import Catalog
from spec.errors import Unavailable

_PAGE = 500

_WITH_METADATA = ("ICEBERG_TABLE", "ICEBERG_VIEW")


@dataclass(frozen=True)
class State:
    """A table (or view) as some commit left it."""

    key: tuple[str, ...]
    """Namespace levels and name that it had there."""
    metadata: str
    """Address of the metadata file."""
    is_table: bool


class History:
    """Walks the logs of all references, each commit once.

    Args:
        catalog: Nessie.
        cutoff: States that were replaced before it are not in use.
        known_since: States replaced before it are not even looked at.
    """

    def __init__(self, catalog: Catalog, cutoff: datetime, known_since: datetime) -> None:
        """See class."""
        self._catalog = catalog
        self._cutoff = cutoff
        self._known_since = known_since
        self._walked: set[str] = set()
        self._bases: set[str] = set()
        self.in_use: set[State] = set()
        """What a branch stands at, or stood at after the cutoff."""
        self.known: set[State] = set()
        """What was replaced between `known_since` and the cutoff, among others."""

    async def walk(self) -> set[State]:
        """Read what is new in any log since the last call, and return the states newly in use.

        Raises:
            Unavailable: the catalog does not answer.
        """
        before = set(self.in_use)
        for head in [head async for head in self._heads()]:
            await self._walk_log(head)
        return self.in_use - before

    async def _walk_log(self, head: str) -> None:
        base = None
        async for entry in self._log(head):
            commit_hash: str = entry["commitMeta"]["hash"]
            at = datetime.fromisoformat(entry["commitMeta"]["commitTime"])
            if at < self._cutoff and base is None:
                # All tables as they were at the cutoff, on this branch: what stands there need
                # not be what stood there on a branch whose log joins this one further down.
                base = commit_hash
            if commit_hash in self._walked:
                # The rest was walked for another branch, as far back.
                break
            self._walked.add(commit_hash)
            states = _states_put(entry)
            self.known |= states
            if at >= self._cutoff:
                self.in_use |= states
            if at < self._known_since:
                break
        if base is not None and base not in self._bases:
            self.in_use |= {state async for state in self._states_at(base)}
            self._bases.add(base)

    async def _heads(self) -> AsyncGenerator[str]:
        async for reference in self._pages("/api/v2/trees?fetch=MINIMAL", "references"):
            yield reference["hash"]

    async def _log(self, head: str) -> AsyncGenerator[dict[str, Any]]:
        # By the commit alone: a branch may go away at any moment, its commits stay.
        place = quote(f"@{head}", safe="")
        url = f"/api/v2/trees/{place}/history?fetch=ALL&max-records={_PAGE}"
        async for entry in self._pages(url, "logEntries"):
            yield entry

    async def _states_at(self, commit_hash: str) -> AsyncGenerator[State]:
        place = quote(f"@{commit_hash}", safe="")
        url = f"/api/v2/trees/{place}/entries?content=true&max-records={_PAGE}"
        async for entry in self._pages(url, "entries"):
            if entry["type"] in _WITH_METADATA:
                yield _state(entry["name"]["elements"], entry["content"])

    async def _pages(self, url: str, what: str) -> AsyncGenerator[dict[str, Any]]:
        token = ""
        while True:
            page = await self._catalog.read(
                url + (f"&page-token={quote(token, safe='')}" if token else "")
            )
            if page.status_code == 404:
                raise Unavailable(f"the catalog does not know {url}")
            content = page.json()
            for each in content.get(what) or ():
                yield each
            token = content.get("token") or ""
            if not content.get("hasMore"):
                return


def _states_put(entry: dict[str, Any]) -> set[State]:
    return {
        _state(operation["key"]["elements"], operation["content"])
        for operation in entry.get("operations") or ()
        if operation["type"] == "PUT" and operation["content"]["type"] in _WITH_METADATA
    }


def _state(key: list[str], content: dict[str, Any]) -> State:
    return State(tuple(key), content["metadataLocation"], content["type"] == "ICEBERG_TABLE")
