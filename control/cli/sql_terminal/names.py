"""What can be completed: the catalog's names, and the words of the warehouse's dialect."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from sqlglot import Dialect

from control.cli.client import Api
from spec.errors import OpenLakeError

T = TypeVar("T")

UNITY = "/api/2.1/unity-catalog"
_FRESH_S = 60.0


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type: str


class Names:
    """The catalog's names, fetched when they are asked for and kept for a minute.

    What cannot be fetched is not completed; nobody waits for an error message while typing.
    """

    def __init__(self, api: Api, catalog: str | None) -> None:
        """See class."""
        self._api = api
        self._catalog = catalog
        self._known: dict[str, tuple[float, Any]] = {}

    @property
    def catalog(self) -> str:
        """The catalog of names without one."""
        found = self.catalogs()
        return self._catalog or (found[0] if found else "lakehouse")

    def catalogs(self) -> list[str]:
        """Return the names of all catalogs."""
        return self._named("catalogs")

    def schemas(self, catalog: str) -> list[str]:
        """Return the names of a catalog's schemas."""
        return self._named("schemas", catalog_name=catalog)

    def tables(self, catalog: str, schema: str) -> list[str]:
        """Return the names of a schema's tables and views."""
        return self._named("tables", catalog_name=catalog, schema_name=schema)

    def columns(self, full_name: str) -> list[Column]:
        """Return the columns of a table in their order."""

        def fetch() -> list[Column]:
            found = self._api.get(f"{UNITY}/tables/{quote(full_name, safe='.')}")
            return [
                Column(each["name"], each.get("type_text", "")) for each in found.get("columns", [])
            ]

        return self._fresh(full_name, fetch, [])

    def full_name(self, written: str, schema: str | None) -> str | None:
        """Return `catalog.schema.table` of a table as written; None when its schema is unknown."""
        parts = [part.strip('`"') for part in written.split(".")]
        if len(parts) == 1 and schema is not None:
            parts.insert(0, schema)
        if len(parts) == 2:
            parts.insert(0, self.catalog)
        return ".".join(parts) if len(parts) == 3 else None

    def _named(self, kind: str, **query: str) -> list[str]:
        def fetch() -> list[str]:
            path = f"{UNITY}/{kind}"
            return [each["name"] for each in self._pages(path, kind, query)]

        return self._fresh(f"{kind} {query}", fetch, [])

    def _pages(self, path: str, kind: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while True:
            page = self._api.get(path, page_token=token, **query)
            yield from page.get(kind, [])
            token = page.get("next_page_token")
            if not token:
                return

    def _fresh(self, key: str, fetch: Callable[[], T], nothing: T) -> T:
        at, value = self._known.get(key, (0.0, None))
        if time.monotonic() - at > _FRESH_S:
            try:
                value = fetch()
            except OpenLakeError:
                value = nothing
            self._known[key] = (time.monotonic(), value)
        return value  # pyright: ignore[reportReturnType]


def words_of(dialect: str) -> Sequence[str]:
    """Return keywords and functions of a dialect, in capitals."""
    known = Dialect.get_or_raise(dialect)
    keywords = (word for word in known.tokenizer_class.KEYWORDS if word.replace(" ", "").isalpha())
    parser: Any = known.parser_class
    functions = (name for name in parser.FUNCTIONS if name.replace("_", "").isalpha())
    single = {part for word in keywords for part in word.split()}
    return sorted(single | set(functions))
