"""The stack's own catalog: Nessie, with branches, asked with the gateway's identity.

Nessie (0.99) lists only a table's current snapshot. What it was before stands in the branch's
commit log: each commit names the snapshot it left, and the table as of that commit has its summary.
"""

import asyncio
from collections import OrderedDict
from urllib.parse import quote

import httpx2

from control.gateway.tokens import MAIN
from control.gateway.upstream import AnswerLost, Catalog, LoggedCommit
from control.lakehouse.base import Entry, Json, Key, Kind, Loaded, Past, unreachable
from control.lakehouse.iceberg_rest import RestCatalog, object_of, refused
from spec.errors import Invalid, NotFound, Unavailable

_KINDS = {"ICEBERG_TABLE": Kind.TABLE, "ICEBERG_VIEW": Kind.VIEW}
_PAGE = 1000
_AT_ONCE = 8
_REMEMBERED = 10_000


class NessieCatalog(RestCatalog):
    """See module."""

    type = "nessie"
    has_branches = True

    def __init__(self, name: str, catalog: Catalog, files: dict[str, str]) -> None:
        """See class.

        Args:
            name: As people see it.
            catalog: The client to Nessie.
            files: `FileIO` properties for its warehouse.
        """
        super().__init__(name)
        self._catalog = catalog
        self._files = files
        self._known: OrderedDict[tuple[Key, str], tuple[str, Json | None]] = OrderedDict()
        """(table, commit) → the table's UUID and snapshot as of that commit: they never change."""

    async def close(self) -> None:
        """See `TableCatalog`; the client is its maker's."""

    async def ask(self, tail: str, branch: str | None) -> httpx2.Response:
        """See base class."""
        path, _, query = tail.partition("?")
        try:
            return await self._catalog.pass_on("GET", branch or MAIN, path, query=query)
        except (AnswerLost, Unavailable) as error:
            raise unreachable(self.name, str(error) or type(error).__name__) from error

    def files(self, answer: Json) -> dict[str, str]:
        """See base class."""
        return self._files

    async def namespaces(self, branch: str | None = None) -> list[Key]:
        """See `TableCatalog`; those of all levels."""
        found = await self._listed("entry.contentType=='NAMESPACE'", branch)
        return sorted(key for key, _ in found)

    async def entries(self, namespace: Key, branch: str | None = None) -> list[Entry]:
        """See `TableCatalog`."""
        found = await self._listed(f"entry.namespace=='{_quoted('.'.join(namespace))}'", branch)
        if not found and await self.namespace(namespace, branch) is None:
            raise NotFound(f"Schema '{'.'.join((self.name, *namespace))}' does not exist.")
        return sorted(
            Entry(key, _KINDS[kind])
            for key, kind in found
            if kind in _KINDS and key[:-1] == namespace
        )

    async def past(
        self, key: Key, loaded: Loaded, branch: str | None, resume: str | None, limit: int
    ) -> Past:
        """See `TableCatalog`; what rewrote a name or a column added no snapshot and is left out."""
        if resume is not None and not all(letter in "0123456789abcdef" for letter in resume):
            raise Invalid("'page_token' is not one that this server gave out.")
        ref = branch or MAIN
        # The oldest of the commits that left a snapshot is the one that made it.
        made: list[LoggedCommit] = []
        try:
            async for commit in self._catalog.log(ref, key=key, at=resume):
                if made and made[-1].snapshot_id == commit.snapshot_id:
                    made[-1] = commit
                elif len(made) > limit:
                    break
                elif commit.snapshot_id >= 0:
                    made.append(commit)
        except Unavailable as error:
            raise unreachable(self.name, error.message) from error
        gate = asyncio.Semaphore(_AT_ONCE)
        states = await asyncio.gather(
            *(self._state(gate, ref, key, commit) for commit in made[:limit])
        )
        # Before the table was made, another one may have had its name.
        own = [s for uuid, s in states if uuid == loaded.metadata["table-uuid"] and s is not None]
        whole = len(own) == limit < len(made)
        return Past(tuple(own), made[limit].commit_hash if whole else None)

    async def _state(
        self, gate: asyncio.Semaphore, ref: str, key: Key, commit: LoggedCommit
    ) -> tuple[str, Json | None]:
        """Return the UUID and the snapshot of the table that a commit left."""
        known = self._known.get((key, commit.commit_hash))
        if known is not None:
            return known
        async with gate:
            try:
                table = await self._catalog.load_table(f"{ref}@{commit.commit_hash}", key)
            except Unavailable as error:
                raise unreachable(self.name, error.message) from error
        metadata: Json = table["metadata"] if table else {}
        listed: list[Json] = metadata.get("snapshots") or []
        left = next((s for s in listed if s["snapshot-id"] == commit.snapshot_id), None)
        state = str(metadata.get("table-uuid", "")), left
        self._known[key, commit.commit_hash] = state
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return state

    async def _listed(self, rule: str, branch: str | None) -> list[tuple[Key, str]]:
        """Return (key, content type) of the entries for which a rule (Nessie's CEL) holds."""
        found: list[tuple[Key, str]] = []
        token = ""
        while True:
            url = (
                f"/api/v2/trees/{quote(branch or MAIN, safe='')}/entries"
                f"?max-records={_PAGE}&filter={quote(rule, safe='')}"
                + (f"&page-token={quote(token, safe='')}" if token else "")
            )
            try:
                answer = await self._catalog.read(url)
            except Unavailable as error:
                raise unreachable(self.name, error.message) from error
            if answer.status_code >= 400:
                raise refused(self.name, answer)
            page = object_of(self.name, answer)
            entries: list[Json] = page.get("entries") or []
            found += [(tuple(each["name"]["elements"]), each["type"]) for each in entries]
            token = page.get("token") or ""
            if not page.get("hasMore"):
                return found


def _quoted(text: str) -> str:
    """Spell text between the single quotes of a CEL string."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
