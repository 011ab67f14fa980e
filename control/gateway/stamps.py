"""What a commit request changes, and the stamp that every snapshot in it gets.

Bodies are Iceberg REST JSON. Only bodies that get a stamp are written anew: Python's integers
are exact and its floats are spelled so that they read back the same, so every other value stays.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control.gateway.routes import Action, Route, dotted
from control.gateway.tokens import AttemptClaims, PrincipalClaims
from spec.errors import Invalid

SUMMARY_PREFIX = "openlake."
PARENT = "openlake.parent-snapshot-id"
"""The table's snapshot before the commit. Nessie 0.99 forgets a snapshot's parent, so the stamp
keeps it."""
CREATED_BY = "openlake.created-by-"
GC_ENABLED = "gc.enabled"
"""The property by which Iceberg's own `expire_snapshots` and `remove_orphan_files` may delete
files; the catalog sets it to false on every table."""
CREATE_DIGEST = "openlake.created-by-request"

Json = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One table (view, namespace) that a request changes."""

    key: tuple[str, ...]
    """Namespace levels and name."""
    operation: str
    snapshot_id: int | None = None
    """The last snapshot that the request adds to the table."""
    parent_snapshot_id: int | None = None
    """The table's snapshot before."""
    summary: dict[str, str] = field(default_factory=dict[str, str])
    """As stamped."""
    table_uuid: str | None = None
    """The UUID that a commit gives to the table it creates."""

    @property
    def target(self) -> str:
        """The dotted name, as in the index."""
        return dotted(self.key)


@dataclass(frozen=True)
class Prepared:
    """A request, ready to be noted and passed on."""

    body: bytes
    changes: tuple[Change, ...]
    """Empty when the request changes nothing yet (a staged create)."""
    digest: str
    """Equal for a request that is sent again; the client's Idempotency-Key if it has one."""


def stamp_of(claims: AttemptClaims | PrincipalClaims) -> dict[str, str]:
    """Return the summary entries that name who commits."""
    if isinstance(claims, PrincipalClaims):
        statement = claims.statement_id
        return {
            "openlake.workspace-id": str(claims.workspace_id),
            "openlake.principal": claims.user,
            **({} if statement is None else {"openlake.statement-id": statement}),
        }
    return {
        "openlake.workspace-id": str(claims.workspace_id),
        "openlake.job-id": str(claims.job_id),
        "openlake.run-id": str(claims.run_id),
        "openlake.task-run-id": str(claims.task_run_id),
        "openlake.task-key": claims.task_key,
        "openlake.attempt": str(claims.attempt),
    }


def read_stamp(entries: Mapping[str, str], prefix: str = SUMMARY_PREFIX) -> dict[str, str]:
    """Return who committed by a snapshot's summary, e.g. `{"run-id": "5", "task-key": "load"}`.

    Args:
        entries: The summary; or, with `CREATED_BY`, the properties of a table.
        prefix: Of the entries of the stamp.
    """
    return {name: entries[prefix + name] for name in _STAMPED if prefix + name in entries}


_STAMPED = (
    "workspace-id",
    "job-id",
    "run-id",
    "task-run-id",
    "task-key",
    "attempt",
    "principal",
    "statement-id",
)


def prepare(
    route: Route,
    query: str,
    body: bytes,
    claims: AttemptClaims | PrincipalClaims,
    idempotency_key: str | None = None,
) -> Prepared:
    """Read a mutation, stamp what it adds and say what it changes.

    Raises:
        Invalid: the body is not what Iceberg's REST specification says.
    """
    digest = _digest(route, query, body, claims, idempotency_key)
    handler = _HANDLERS.get(route.action)
    if handler is None:
        change = Change(route.key, _OPERATIONS[route.action])
        return Prepared(body, (change,), digest)
    content = _object(body)
    try:
        stamped, changes = handler(route, content, claims, digest)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Invalid(f"the body of {route.action} lacks or misspells {error}") from error
    out = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Prepared(out if stamped else body, tuple(changes), digest)


def _digest(
    route: Route,
    query: str,
    body: bytes,
    claims: AttemptClaims | PrincipalClaims,
    idempotency_key: str | None,
) -> str:
    who = claims.task_run_id if isinstance(claims, AttemptClaims) else claims.user
    if idempotency_key:
        seed = f"key:{who}:{idempotency_key[:200]}".encode()
    else:
        seed = "\n".join([str(who), route.action, route.tail, query, ""]).encode() + body
    return ("key:" if idempotency_key else "") + hashlib.sha256(seed).hexdigest()


def _object(body: bytes) -> Json:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise Invalid("the body must be a JSON object")
    return content  # pyright: ignore[reportUnknownVariableType]


_Handled = tuple[bool, list[Change]]


def _commit_table(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    stamped, change = _table_change(route.key, content, claims)
    return stamped, [change]


def _commit_transaction(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    stamped, changes = False, list[Change]()
    for entry in content["table-changes"]:
        identifier = entry["identifier"]
        key = (*identifier["namespace"], identifier["name"])
        touched, change = _table_change(key, entry, claims)
        stamped = stamped or touched
        changes.append(change)
    return stamped, changes


def _create_table(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    properties: Json = content.get("properties") or {}
    _keep_files(properties)
    content["properties"] = _without_stamp(properties, CREATED_BY) | _created_by(claims)
    if content.get("stage-create"):
        return True, []
    content["properties"][CREATE_DIGEST] = digest
    return True, [Change((*route.namespace, str(content["name"])), "create")]


def _named(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    key = (*route.namespace, str(content["name"]))
    return False, [Change(key, _OPERATIONS[route.action])]


def _rename(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    source, target = content["source"], content["destination"]
    keys = [(*end["namespace"], end["name"]) for end in (source, target)]
    return False, [Change(key, _OPERATIONS[route.action]) for key in keys]


def _create_namespace(
    route: Route, content: Json, claims: AttemptClaims | PrincipalClaims, digest: str
) -> _Handled:
    return False, [Change(tuple(content["namespace"]), "create-namespace")]


def _table_change(
    key: tuple[str, ...], content: Json, claims: AttemptClaims | PrincipalClaims
) -> tuple[bool, Change]:
    """Stamp one table's updates in place.

    Several `add-snapshot` (PyIceberg overwrites by a delete and an append) are one change, known
    by its last snapshot: the catalog lists no other.
    """
    updates: list[Json] = content["updates"]
    for update in updates:
        if update["action"] == "set-properties":
            _keep_files(update["updates"])
        elif update["action"] == "remove-properties" and GC_ENABLED in update["removals"]:
            _keep_files({GC_ENABLED: "true"})
    requirements: list[Json] = content.get("requirements") or []
    creates = any(requirement["type"] == "assert-create" for requirement in requirements)
    snapshots = [update["snapshot"] for update in updates if update["action"] == "add-snapshot"]
    parent: int | None = snapshots[0].get("parent-snapshot-id") if snapshots else None
    stamp = stamp_of(claims) | ({} if parent is None else {PARENT: str(parent)})
    for added in snapshots:
        summary: Json = added.get("summary") or {}
        added["summary"] = _without_stamp(summary, SUMMARY_PREFIX) | stamp
    uuids = [str(update["uuid"]) for update in updates if update["action"] == "assign-uuid"]
    table_uuid = uuids[-1] if creates and uuids else None
    if creates:
        _set_created_by(updates, claims)
    if not snapshots:
        operation = "create" if creates else "alter"
        return creates, Change(key, operation, table_uuid=table_uuid)
    snapshot: Json = snapshots[-1]
    change = Change(
        key,
        operation=str(snapshot["summary"].get("operation", "unknown")),
        snapshot_id=int(snapshot["snapshot-id"]),
        parent_snapshot_id=parent,
        summary=snapshot["summary"],
        table_uuid=table_uuid,
    )
    return True, change


def _keep_files(properties: Json) -> None:
    """Refuse to let engines delete a table's files: they would look at one branch alone."""
    if str(properties.get(GC_ENABLED, "false")).lower() != "false":
        raise Invalid(
            f"'{GC_ENABLED}' stays false: files of a table may be needed by other branches and by"
            " replays, so engines do not delete them; a table_care_task does, with"
            " 'expire_snapshots' and 'remove_orphan_files'"
        )


def _set_created_by(updates: list[Json], claims: AttemptClaims | PrincipalClaims) -> None:
    """Add who creates the table to its properties, in one update: Nessie takes no second one."""
    for update in updates:
        if update["action"] == "set-properties":
            given: Json = update["updates"]
            update["updates"] = _without_stamp(given, CREATED_BY) | _created_by(claims)
            return
    updates.append({"action": "set-properties", "updates": _created_by(claims)})


def _created_by(claims: AttemptClaims | PrincipalClaims) -> dict[str, str]:
    stamp = stamp_of(claims)
    return {CREATED_BY + name.removeprefix(SUMMARY_PREFIX): stamp[name] for name in stamp}


def _without_stamp(entries: Json, prefix: str) -> Json:
    """Drop what looks like our stamp: only the gateway may say who commits."""
    return {name: value for name, value in entries.items() if not name.startswith(prefix)}


_Handler = Callable[[Route, Json, AttemptClaims | PrincipalClaims, str], _Handled]

_HANDLERS: dict[Action, _Handler] = {
    Action.COMMIT_TABLE: _commit_table,
    Action.COMMIT_TRANSACTION: _commit_transaction,
    Action.CREATE_TABLE: _create_table,
    Action.CREATE_VIEW: _named,
    Action.REGISTER_TABLE: _named,
    Action.RENAME_TABLE: _rename,
    Action.RENAME_VIEW: _rename,
    Action.CREATE_NAMESPACE: _create_namespace,
}

_OPERATIONS: dict[Action, str] = {
    Action.ALTER_NAMESPACE: "alter-namespace",
    Action.DROP_NAMESPACE: "drop-namespace",
    Action.REGISTER_TABLE: "register",
    Action.RENAME_TABLE: "rename",
    Action.DROP_TABLE: "drop",
    Action.CREATE_VIEW: "create-view",
    Action.REPLACE_VIEW: "replace-view",
    Action.RENAME_VIEW: "rename-view",
    Action.DROP_VIEW: "drop-view",
}
