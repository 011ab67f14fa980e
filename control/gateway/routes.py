"""The Iceberg REST routes that the gateway serves; whatever is not listed does not exist.

Paths are matched on their raw, still encoded segments, because Iceberg joins namespace levels by
an encoded unit separator (`a%1Fb`) and names may hold any character.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from spec.errors import Invalid, NotFound

PREFIX = "/iceberg/v1/"
OWN_COMMITS = "/iceberg/openlake/commits"
"""Not Iceberg's: an attempt asks what it has committed."""
LEVEL_SEPARATOR = "\x1f"


class Action(StrEnum):
    """What a call does."""

    LIST_NAMESPACES = "list-namespaces"
    LOAD_NAMESPACE = "load-namespace"
    NAMESPACE_EXISTS = "namespace-exists"
    LIST_TABLES = "list-tables"
    LOAD_TABLE = "load-table"
    TABLE_EXISTS = "table-exists"
    LIST_VIEWS = "list-views"
    LOAD_VIEW = "load-view"
    VIEW_EXISTS = "view-exists"
    CREATE_NAMESPACE = "create-namespace"
    ALTER_NAMESPACE = "alter-namespace"
    DROP_NAMESPACE = "drop-namespace"
    CREATE_TABLE = "create-table"
    REGISTER_TABLE = "register-table"
    COMMIT_TABLE = "commit-table"
    COMMIT_TRANSACTION = "commit-transaction"
    RENAME_TABLE = "rename-table"
    DROP_TABLE = "drop-table"
    CREATE_VIEW = "create-view"
    REPLACE_VIEW = "replace-view"
    RENAME_VIEW = "rename-view"
    DROP_VIEW = "drop-view"


READS = frozenset(
    {
        Action.LIST_NAMESPACES,
        Action.LOAD_NAMESPACE,
        Action.NAMESPACE_EXISTS,
        Action.LIST_TABLES,
        Action.LOAD_TABLE,
        Action.TABLE_EXISTS,
        Action.LIST_VIEWS,
        Action.LOAD_VIEW,
        Action.VIEW_EXISTS,
    }
)

SERVICE_ACTIONS = frozenset(
    {Action.LIST_NAMESPACES, Action.LOAD_NAMESPACE, Action.NAMESPACE_EXISTS}
)
"""What the stack's own servers may do with their static token."""

_NS = "namespaces/{namespace}"

_TEMPLATES: tuple[tuple[str, str, Action], ...] = (
    ("GET", "namespaces", Action.LIST_NAMESPACES),
    ("POST", "namespaces", Action.CREATE_NAMESPACE),
    ("GET", _NS, Action.LOAD_NAMESPACE),
    ("HEAD", _NS, Action.NAMESPACE_EXISTS),
    ("DELETE", _NS, Action.DROP_NAMESPACE),
    ("POST", f"{_NS}/properties", Action.ALTER_NAMESPACE),
    ("GET", f"{_NS}/tables", Action.LIST_TABLES),
    ("POST", f"{_NS}/tables", Action.CREATE_TABLE),
    ("GET", f"{_NS}/tables/{{table}}", Action.LOAD_TABLE),
    ("HEAD", f"{_NS}/tables/{{table}}", Action.TABLE_EXISTS),
    ("POST", f"{_NS}/tables/{{table}}", Action.COMMIT_TABLE),
    ("DELETE", f"{_NS}/tables/{{table}}", Action.DROP_TABLE),
    ("POST", f"{_NS}/register", Action.REGISTER_TABLE),
    ("POST", "tables/rename", Action.RENAME_TABLE),
    ("POST", "transactions/commit", Action.COMMIT_TRANSACTION),
    ("GET", f"{_NS}/views", Action.LIST_VIEWS),
    ("POST", f"{_NS}/views", Action.CREATE_VIEW),
    ("GET", f"{_NS}/views/{{view}}", Action.LOAD_VIEW),
    ("HEAD", f"{_NS}/views/{{view}}", Action.VIEW_EXISTS),
    ("POST", f"{_NS}/views/{{view}}", Action.REPLACE_VIEW),
    ("DELETE", f"{_NS}/views/{{view}}", Action.DROP_VIEW),
    ("POST", "views/rename", Action.RENAME_VIEW),
)

ENDPOINTS: tuple[str, ...] = tuple(
    f"{method} /v1/{{prefix}}/{path}" for method, path, _ in _TEMPLATES
)
"""The routes as the `endpoints` of a config answer spells them."""


@dataclass(frozen=True)
class Route:
    """A call that the gateway knows."""

    action: Action
    warehouse: str
    tail: str
    """The raw path behind the warehouse, as the client encoded it."""
    namespace: tuple[str, ...] = ()
    name: str | None = None
    """The table or view in the path."""

    @property
    def key(self) -> tuple[str, ...]:
        """The levels and name of the table, view or namespace in the path; may be empty."""
        return self.namespace if self.name is None else (*self.namespace, self.name)


def dotted(key: tuple[str, ...]) -> str:
    """Spell a table as it is kept in the index: levels and name joined by dots."""
    return ".".join(key)


def match(method: str, raw_path: str) -> Route:
    """Find the route of a call.

    Args:
        method: HTTP method.
        raw_path: The path as it came, percent-encoded, from `/iceberg/v1/` on.

    Raises:
        NotFound: no such route is served.
        Invalid: a segment would be read differently further on.
    """
    segments = raw_path.removeprefix(PREFIX).split("/") if raw_path.startswith(PREFIX) else []
    decoded = [_decode(segment) for segment in segments]
    for verb, template, action in _TEMPLATES:
        found = _capture(template.split("/"), decoded[1:]) if verb == method else None
        if found is not None and decoded:
            namespace = found.get("{namespace}")
            return Route(
                action,
                warehouse=decoded[0],
                tail="/".join(segments[1:]),
                namespace=() if namespace is None else tuple(namespace.split(LEVEL_SEPARATOR)),
                name=found.get("{table}", found.get("{view}")),
            )
    raise NotFound(f"the catalog gateway does not serve {method} {raw_path[:200]}")


def _decode(segment: str) -> str:
    """Decode a segment; one that a server behind us might take for path syntax is refused."""
    text = unquote(segment)
    if text in ("", ".", "..") or any(mark in text for mark in "/\\;") or "\x00" in text:
        raise Invalid(f"the path segment {segment[:100]!r} is not allowed in a catalog name")
    return text


def _capture(template: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    found: dict[str, str] = {}
    for pattern, segment in zip(template, segments, strict=True):
        if pattern.startswith("{"):
            found[pattern] = segment
        elif pattern != segment:
            return None
    return found
