"""Sends statements to a warehouse and reads their answers, chunk by chunk."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from control.cli.client import Api
from control.cli.sql_terminal.cells import Batch
from spec.errors import Invalid, OpenLakeError, Unavailable
from spec.tasks import Engine

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5
_CANCEL_PATIENCE_S = 15.0
_TRIES = 3

Told = Callable[[str, float], None]
"""Hears a statement's state and the seconds since it was sent."""


class SqlFailed(OpenLakeError):
    """The statement failed; the message is the engine's."""


class Cancelled(OpenLakeError):
    """The statement was cancelled."""


@dataclass(frozen=True)
class Order:
    """One statement and how it is to run."""

    text: str
    parameters: tuple[dict[str, Any], ...] = ()
    catalog: str | None = None
    schema: str | None = None
    branch: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Warehouse:
    """Where statements run."""

    id: str
    name: str
    engine: str
    dialect: str

    @property
    def reads(self) -> str:
        """What its statements are written in, in sqlglot's word."""
        return "databricks" if self.dialect == "databricks" else self.engine


@dataclass
class Answer:
    """The answer of a statement that succeeded; its rows are fetched when they are asked for."""

    statement_id: str
    manifest: dict[str, Any]
    took_s: float
    links: "Links" = field(repr=False)

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The columns, as in the manifest."""
        return self.manifest["schema"].get("columns", [])

    @property
    def row_count(self) -> int:
        """All rows of the answer."""
        return int(self.manifest["total_row_count"])

    @property
    def truncated(self) -> bool:
        """There would have been more rows than were wanted."""
        return bool(self.manifest["truncated"])

    def batches(self) -> Iterator[Batch]:
        """Yield the rows; one chunk at a time is in memory."""
        for index in range(int(self.manifest["total_chunk_count"])):
            yield from _read(self.links.chunk(self.statement_id, index))


def _read(chunk: bytes) -> Iterator[Batch]:
    import pyarrow  # pyright: ignore[reportMissingTypeStubs]

    arrow: Any = pyarrow
    with arrow.ipc.open_stream(chunk) as reader:
        yield from reader


class Links:
    """Fetches chunks from the object store, where no token of ours may go."""

    def __init__(self, api: Api) -> None:
        """See class."""
        self._api = api
        self._http = httpx2.Client(timeout=httpx2.Timeout(60, connect=5), trust_env=False)

    def chunk(self, statement_id: str, index: int) -> bytes:
        """Return the bytes of one chunk.

        Raises:
            Unavailable: the object store does not give them.
        """
        path = f"{STATEMENTS}/{statement_id}/result/chunks/{index}"
        problem = ""
        for _ in range(_TRIES):
            (link,) = self._api.get(path)["external_links"]
            try:
                answer = self._http.get(link["external_link"])
            except httpx2.TransportError as error:
                problem = str(error)
                continue
            if answer.is_success:
                return answer.content
            problem = f"it answered {answer.status_code}"
        raise Unavailable(f"chunk {index} of the answer cannot be fetched: {problem}")

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()


STATEMENTS = "/api/2.0/sql/statements"
_WAREHOUSES = "/api/2.0/sql/warehouses"


class Session:
    """Runs statements on one warehouse."""

    def __init__(self, api: Api, warehouse: Warehouse) -> None:
        """See class."""
        self.api = api
        self.warehouse = warehouse
        self._links = Links(api)

    def run(self, order: Order, told: Told = lambda state, after: None) -> Answer:
        """Run a statement to its end; Ctrl-C stops it at the engine.

        Raises:
            SqlFailed: it failed.
            Cancelled: it was stopped, by Ctrl-C or by somebody else.
        """
        body: dict[str, Any] = {
            "statement": order.text,
            "warehouse_id": self.warehouse.id,
            "parameters": list(order.parameters),
            "catalog": order.catalog,
            "schema": order.schema,
            "branch": order.branch,
            "row_limit": order.limit,
        }
        return self.follow(STATEMENTS, body, told)

    def follow(self, path: str, body: dict[str, Any], told: Told) -> Answer:
        """Do the same by another address that answers with a statement."""
        began = time.monotonic()
        options = {
            "wait_timeout": "0s",
            "disposition": "EXTERNAL_LINKS",
            "format": "ARROW_STREAM",
        }
        given = {name: value for name, value in body.items() if value is not None}
        shown = self.api.post(path, given | options)
        statement_id = shown["statement_id"]
        try:
            shown = self._wait(shown, began, told)
        except KeyboardInterrupt:
            shown = self._stop(statement_id, began, told)
        took = time.monotonic() - began
        state = shown["status"]["state"]
        if state == "SUCCEEDED":
            return Answer(statement_id, shown["manifest"], took, self._links)
        error = shown["status"].get("error", {})
        if state == "CANCELED":
            raise Cancelled(error.get("message") or "The statement was cancelled.")
        raise SqlFailed(error.get("message") or f"The statement ended {state}.")

    def _wait(self, shown: dict[str, Any], began: float, told: Told) -> dict[str, Any]:
        pause = _FIRST_PAUSE_S
        while shown["status"]["state"] in ("PENDING", "RUNNING"):
            told(shown["status"]["state"], time.monotonic() - began)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            shown = self.api.get(f"{STATEMENTS}/{shown['statement_id']}")
        return shown

    def _stop(self, statement_id: str, began: float, told: Told) -> dict[str, Any]:
        path = f"{STATEMENTS}/{statement_id}"
        self.api.post(f"{path}/cancel", {})
        until = time.monotonic() + _CANCEL_PATIENCE_S
        shown = self.api.get(path)
        while shown["status"]["state"] in ("PENDING", "RUNNING"):
            if time.monotonic() > until:
                raise Cancelled(
                    f"Statement {statement_id} was asked to stop and has not stopped yet."
                )
            told("CANCELING", time.monotonic() - began)
            time.sleep(0.1)
            shown = self.api.get(path)
        return shown

    def close(self) -> None:
        """Let go of its connections."""
        self._links.close()


def choose(api: Api, wanted: str | None) -> Warehouse:
    """Return the warehouse of this name or id; else the first that runs, else `duckdb`.

    Raises:
        Invalid: there is none of this name.
    """
    found = _all(api)
    if wanted is None:
        running = [each for each in found if each["state"] == "RUNNING"]
        plain = [each for each in found if each["id"] == Engine.DUCKDB.value]
        return _plain((running or plain or found)[0])
    for each in found:
        if wanted in (each["id"], each["name"]):
            return _plain(each)
    names = ", ".join(each["name"] for each in found)
    raise Invalid(f"there is no SQL warehouse '{wanted}'; there are {names}")


def _all(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = api.get(_WAREHOUSES, page_token=token)
        found += page.get("warehouses", [])
        token = page.get("next_page_token")
        if not token:
            return found


def _plain(each: dict[str, Any]) -> Warehouse:
    return Warehouse(
        id=each["id"],
        name=each["name"],
        engine=str(each.get("engine", "duckdb")),
        dialect=str(each.get("dialect", "engine")),
    )
