"""Branches of the catalog, by Nessie's own API (version 2): cut, merge, look up, drop.

Every call may be repeated: what was done already is found out and not done twice by the callers,
who recognise a merge by its message.
"""

import json
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from control.gateway.tokens import MAIN
from control.gateway.upstream import Catalog
from spec.errors import Conflict, NotFound, Unavailable

Key = tuple[str, ...]
"""Namespace levels and name of a table, view or namespace."""

NAMESPACE = "NAMESPACE"
_PAGE = 200


@dataclass(frozen=True)
class Changed:
    """What one commit did to one table, view or namespace."""

    key: Key
    kind: str | None
    """Nessie's content type, e.g. `ICEBERG_TABLE`; None when the commit removed it."""
    snapshot_id: int | None = None


@dataclass(frozen=True)
class Entry:
    """One commit of a branch."""

    hash: str
    parent: str
    message: str
    committed_at: datetime
    merged: str | None = None
    """The commit of another branch that it merged."""
    changes: tuple[Changed, ...] = ()
    """Empty unless they were asked for."""


class MergeConflict(Conflict):
    """Both branches have changed the same; nothing was merged."""

    def __init__(self, keys: Sequence[Key], message: str) -> None:
        """See class; `keys` name what both have changed."""
        super().__init__(message)
        self.keys = tuple(keys)


class References:
    """Speaks of branches."""

    def __init__(self, catalog: Catalog) -> None:
        """See class."""
        self._catalog = catalog

    async def head(self, branch: str) -> str | None:
        """Return the newest commit of a branch; None when there is no such branch."""
        status, content = await self._call("GET", f"trees/{quote(branch, safe='')}")
        return None if status == 404 else content["reference"]["hash"]

    async def create(self, branch: str, source: str, at: str) -> None:
        """Cut a branch from a commit of another one; a branch of that name is left as it is.

        Raises:
            NotFound: the source has no such commit.
        """
        status, content = await self._call(
            "POST",
            f"trees?name={quote(branch, safe='')}&type=BRANCH",
            {"type": "BRANCH", "name": source, "hash": at},
        )
        if status in (400, 404):
            raise NotFound(f"'{source}' has no commit {at}: {content.get('message', '')}")

    async def delete(self, branch: str) -> None:
        """Drop a branch, whatever is on it; one that is gone already is fine.

        Raises:
            Unavailable: it changed just then; try again.
        """
        head = await self.head(branch)
        if head is None:
            return
        status, _ = await self._call("DELETE", f"trees/{quote(branch, safe='')}@{head}")
        if status == 409:
            raise Unavailable(f"the branch {branch} changed while it was being dropped")

    async def merge(
        self,
        source: str,
        at: str,
        target: str,
        onto: str,
        message: str,
        leave: Collection[Key] = (),
    ) -> None:
        """Merge a branch, up to a commit, into another as one commit with this message.

        Nothing is committed when there is nothing to merge.

        Args:
            source: The branch to merge.
            at: Its commit to merge.
            target: The branch that gets the commit.
            onto: A commit of the target that the caller knows; it may have moved on since.
            message: By which it is recognised.
            leave: Keys that stay as they are on the target.

        Raises:
            MergeConflict: both have changed the same.
        """
        body = {"fromRefName": source, "fromHash": at, "message": message} | _leaving(leave)
        await self._join(target, onto, "merge", body)

    async def transplant(
        self, source: str, at: str, target: str, onto: str, leave: Collection[Key] = ()
    ) -> None:
        """Repeat one commit of a branch, with its message, on another.

        Raises:
            MergeConflict: the target does not have what the commit changed.
        """
        body = {"fromRefName": source, "hashesToTransplant": [at]} | _leaving(leave)
        await self._join(target, onto, "transplant", body)

    async def _join(self, target: str, onto: str, how: str, body: dict[str, Any]) -> None:
        path = f"trees/{quote(target, safe='')}@{onto}/history/{how}"
        status, content = await self._call("POST", path, body)
        if status == 409:
            keys = _conflicting(content)
            if not keys:
                # Nessie gave up after too many others were faster.
                raise Unavailable(f"the catalog could not {how}: {content.get('message', '')}")
            raise MergeConflict(keys, str(content.get("message", "")))
        if status >= 400:
            raise NotFound(f"the catalog could not {how}: {content.get('message', '')}")

    async def history(
        self,
        branch: str,
        *,
        since: str | None = None,
        where: str | None = None,
        changes: bool = False,
    ) -> AsyncGenerator[Entry]:
        """Go through a branch's commits, newest first.

        Args:
            branch: Or `branch@commit`; `-@commit` for a commit that is on no branch any more.
            since: Stop before this commit.
            where: A condition in Nessie's expression language.
            changes: Fetch what each commit changed.

        Raises:
            NotFound: there is no such branch.
        """
        query: dict[str, str] = {"max-records": str(_PAGE)}
        query |= {"limit-hash": since} if since else {}
        query |= {"filter": where} if where else {}
        query |= {"fetch": "ALL"} if changes else {}
        while True:
            path = f"trees/{quote(branch, safe='')}/history?{urlencode(query)}"
            status, content = await self._call("GET", path)
            if status >= 400:
                raise NotFound(f"no history of {branch}: {content.get('message', '')}")
            for entry in content.get("logEntries", []):
                found = _entry(entry)
                # Nessie's answer may hold the very commit at which it is to stop.
                if found.hash != since:
                    yield found
            if not content.get("hasMore"):
                return
            query["page-token"] = content["token"]

    async def find(self, branch: str, since: str, message: str) -> Entry | None:
        """Return the commit with this very message after another commit, with its changes."""
        where = f"commit.message == '{message}'"
        async for entry in self.history(branch, since=since, where=where, changes=True):
            return entry
        return None

    async def commit_at(self, instant: datetime, branch: str = MAIN) -> str | None:
        """Return a branch's newest commit that is not younger than an instant; None before all."""
        moment = instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
        where = f"timestamp(commit.commitTime) <= timestamp('{moment}')"
        async for entry in self.history(branch, where=where):
            return entry.hash
        return None

    async def contents(
        self, branch: str, at: str, keys: Collection[Key]
    ) -> dict[Key, dict[str, Any]]:
        """Return what a branch holds at a commit under these keys, as far as it does."""
        if not keys:
            return {}
        body = {"requestedKeys": [{"elements": list(key)} for key in keys]}
        path = f"trees/{quote(branch, safe='')}@{at}/contents"
        status, content = await self._call("POST", path, body)
        if status >= 400:
            raise NotFound(f"{branch} has no commit {at}: {content.get('message', '')}")
        return {tuple(each["key"]["elements"]): each["content"] for each in content["contents"]}

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        content = json.dumps(body).encode() if body is not None else b""
        answer = await self._catalog.call(method, f"/api/v2/{path}", content)
        return answer.status_code, answer.json() if answer.content else {}


def _leaving(keys: Collection[Key]) -> dict[str, Any]:
    modes = [{"key": {"elements": list(key)}, "mergeBehavior": "DROP"} for key in keys]
    return {"keyMergeModes": modes} if modes else {}


def _conflicting(content: Mapping[str, Any]) -> list[Key]:
    details: Mapping[str, Any] = content.get("errorDetails") or {}
    conflicts: list[Mapping[str, Any]] = details.get("conflicts", [])
    named = [each for each in conflicts if each.get("key")]
    # Nessie (0.99) adds what is new on the source, without a reason.
    certain = [each for each in named if each["conflictType"] != "KEY_CONFLICT"] or named
    return sorted(tuple(each["key"]["elements"]) for each in certain)


def _entry(entry: Mapping[str, Any]) -> Entry:
    meta = entry["commitMeta"]
    operations: list[Mapping[str, Any]] = entry.get("operations") or []
    return Entry(
        hash=meta["hash"],
        parent=entry["parentCommitHash"],
        message=meta["message"],
        merged=next(iter(meta.get("parentCommitHashes", [])[1:]), None),
        committed_at=datetime.fromisoformat(meta["commitTime"]),
        changes=tuple(_changed(each) for each in operations),
    )


def _changed(operation: Mapping[str, Any]) -> Changed:
    content: Mapping[str, Any] = operation.get("content") or {}
    return Changed(
        key=tuple(operation["key"]["elements"]),
        kind=content.get("type") if operation["type"] == "PUT" else None,
        snapshot_id=content.get("snapshotId"),
    )
