"""What a SQL statement on a warehouse is: its states, parameters, result columns and messages.

The workflow carries a `StatementRef`: names only. The warehouse's worker opens the statement at the
internal API and gets `StatementWork`; it ends with a `StatementEnd`, also there. What is large goes
to the object store.
"""

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from pydantic import Field

from spec.attempts import CatalogAccess, Frozen, StorageAccess
from spec.errors import Invalid

MOST_STATEMENT_BYTES = 16 * 1024 * 1024
MOST_INLINE_BYTES = 25 * 1024 * 1024
"""Of an answer with disposition INLINE; a larger one fails."""
MOST_BYTES = 100 * 1024**3
"""Of any other answer; a larger one is cut."""
MOST_IN_ROW_BYTES = 64 * 1024
"""An answer that is not to go by links travels in the report up to this, and is kept in the
database."""
CHUNK_BYTES = 4 * 1024 * 1024
"""At which a chunk is full; one row more may be in it, and the last one may be smaller."""


class StatementState(StrEnum):
    """Where a statement stands; Databricks' words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    CLOSED = "CLOSED"
    """It succeeded, and its rows have been deleted since."""

    @property
    def is_over(self) -> bool:
        """Nothing more happens to it."""
        return self not in (StatementState.PENDING, StatementState.RUNNING)


OPEN_STATES = (StatementState.PENDING.value, StatementState.RUNNING.value)


class ServiceError(StrEnum):
    """Why a statement failed, as far as Databricks has a word for it."""

    BAD_REQUEST = "BAD_REQUEST"
    """The SQL is at fault."""
    CANCELLED = "CANCELLED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    IO_ERROR = "IO_ERROR"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    NOT_FOUND = "NOT_FOUND"
    """Its rows are gone."""
    ABORTED = "ABORTED"
    """The worker died, and what became of the statement cannot be known."""


class Disposition(StrEnum):
    """How the rows of an answer are fetched."""

    INLINE = "INLINE"
    EXTERNAL_LINKS = "EXTERNAL_LINKS"
    INLINE_OR_EXTERNAL_LINKS = "INLINE_OR_EXTERNAL_LINKS"
    """A small answer in the answer to the request, a larger one by links."""


class ResultFormat(StrEnum):
    """What a chunk of an answer is written in."""

    JSON_ARRAY = "JSON_ARRAY"
    ARROW_STREAM = "ARROW_STREAM"
    CSV = "CSV"


class TypeName(StrEnum):
    """Databricks' names of a column's type."""

    BOOLEAN = "BOOLEAN"
    BYTE = "BYTE"
    SHORT = "SHORT"
    INT = "INT"
    LONG = "LONG"
    FLOAT = "FLOAT"
    DOUBLE = "DOUBLE"
    DECIMAL = "DECIMAL"
    STRING = "STRING"
    CHAR = "CHAR"
    BINARY = "BINARY"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    INTERVAL = "INTERVAL"
    ARRAY = "ARRAY"
    STRUCT = "STRUCT"
    MAP = "MAP"
    NULL = "NULL"
    USER_DEFINED_TYPE = "USER_DEFINED_TYPE"


class Column(Frozen):
    """One column of an answer."""

    name: str
    type_name: TypeName
    type_text: str
    """As in DDL, e.g. `DECIMAL(10,2)`, `ARRAY<STRING>`, `TIMESTAMP_NTZ`."""
    precision: int | None = None
    scale: int | None = None
    interval: str | None = None
    """`YEAR TO MONTH` or `DAY TO SECOND`."""


# Parameters ---------------------------------------------------------------------------------


class Parameter(Frozen):
    """One named value; see `check_parameter`."""

    name: str
    value: str | None = None
    """NULL when None."""
    type: str = "STRING"


_WHOLE = {
    "TINYINT": 8,
    "BYTE": 8,
    "SMALLINT": 16,
    "SHORT": 16,
    "INT": 32,
    "INTEGER": 32,
    "BIGINT": 64,
    "LONG": 64,
}
_ALIASES = {"REAL": "FLOAT", "DEC": "DECIMAL", "NUMERIC": "DECIMAL", "TIMESTAMP_LTZ": "TIMESTAMP"}
_TYPE = re.compile(r"\s*([A-Za-z_]+)\s*(?:\(\s*(\d{1,5})\s*(?:,\s*(\d{1,5})\s*)?\))?\s*\Z")
_TYPES = (
    "STRING, VARCHAR(n), CHAR(n), TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s),"
    " BOOLEAN, DATE, TIMESTAMP, TIMESTAMP_NTZ and VOID"
)


class ScalarType(Frozen):
    """The type of a parameter, in one spelling."""

    name: str
    """TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, BOOLEAN, DATE, TIMESTAMP,
    TIMESTAMP_NTZ, STRING, or VOID: a NULL without a type."""
    precision: int | None = None
    scale: int | None = None


def scalar_type(text: str) -> ScalarType:
    """Read the type of a parameter.

    Raises:
        Invalid: it is none that parameters may have.
    """
    found = _TYPE.match(text)
    word = found[1].upper() if found else ""
    word = _ALIASES.get(word, word)
    first, second = (found[2], found[3]) if found else (None, None)
    if word in _WHOLE and first is None:
        bits = _WHOLE[word]
        return ScalarType(name={8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT"}[bits])
    if word == "DECIMAL":
        precision, scale = int(first or 10), int(second or 0)
        if 1 <= precision <= 38 and scale <= precision:
            return ScalarType(name=word, precision=precision, scale=scale)
    elif word in ("VARCHAR", "CHAR", "STRING") and second is None:
        return ScalarType(name="STRING")
    elif first is None and word in (
        "FLOAT",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "VOID",
    ):
        return ScalarType(name=word)
    raise Invalid(f"'{text[:60]}' is no type that a parameter can have; those are {_TYPES}")


def check_parameter(parameter: Parameter) -> Parameter:
    """Return a parameter with its value in the one spelling that every engine's CAST takes.

    Raises:
        Invalid: the type is unknown, or the value is not of it; names both.
    """
    kind = scalar_type(parameter.type)
    if parameter.value is None:
        return parameter
    try:
        value = _canonical(kind, parameter.value)
    except (ValueError, InvalidOperation, OverflowError):
        raise Invalid(
            f"the parameter '{parameter.name}' is a {parameter.type}, which"
            f" '{parameter.value[:60]}' is not"
        ) from None
    return parameter.model_copy(update={"value": value})


def _canonical(kind: ScalarType, text: str) -> str:
    match kind.name:
        case "STRING":
            return text
        case "VOID":
            raise ValueError(text)
        case "BOOLEAN":
            return _boolean(text)
        case "FLOAT" | "DOUBLE":
            return repr(float(text))
        case "DECIMAL":
            return _decimal(kind, text)
        case "DATE":
            return date.fromisoformat(text.strip()).isoformat()
        case "TIMESTAMP" | "TIMESTAMP_NTZ":
            return _instant(kind, text)
        case _:
            number = int(text)
            if not -(1 << _WHOLE[kind.name] - 1) <= number < 1 << _WHOLE[kind.name] - 1:
                raise OverflowError
            return str(number)


def _boolean(text: str) -> str:
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(text)
    return word


def _decimal(kind: ScalarType, text: str) -> str:
    number = Decimal(text.strip())
    whole = (kind.precision or 0) - (kind.scale or 0)
    if not number.is_finite() or abs(number) >= Decimal(10) ** whole:
        raise OverflowError
    return f"{number:f}"


def _instant(kind: ScalarType, text: str) -> str:
    """Spell an instant as `2024-02-29 01:02:03.000004+01:00`; without a zone it is UTC."""
    at = datetime.fromisoformat(text.strip())
    if kind.name == "TIMESTAMP_NTZ":
        return at.replace(tzinfo=None).isoformat(" ", "microseconds")
    zone = "" if at.tzinfo else "+00:00"
    return at.isoformat(" ", "microseconds") + zone


# Messages -----------------------------------------------------------------------------------


class StatementRef(Frozen):
    """Names one statement; all that its workflow knows."""

    workspace_id: int
    warehouse_id: str
    statement_id: str
    stop: bool = False
    """Only stop what a dead worker left running at the engine."""


class StatementBody(Frozen):
    """What was sent, as it stands sealed in the statement's row."""

    text: str
    parameters: tuple[Parameter, ...] = ()


class Access(Frozen):
    """How a statement reaches tables and their files. Holds secrets: never logged or recorded."""

    catalog: CatalogAccess
    storage: StorageAccess


class StatementWork(Frozen):
    """Everything a worker needs to run one statement. Holds secrets: never logged or recorded."""

    statement_id: str
    workspace_id: int
    user_name: str
    attempt: int
    """From 1; the worker names it in all that it reports."""
    body: StatementBody
    catalog: str | None = None
    schema_name: str | None = None
    disposition: Disposition = Disposition.INLINE
    format: ResultFormat = ResultFormat.JSON_ARRAY
    row_limit: int | None = None
    byte_limit: int | None = None
    reader: Access
    """For reading only; the same for all statements of a user for a while, so that a worker may
    keep what it has opened with it."""
    writer: Access | None
    """Of this statement alone, whose id its commits carry; None on a branch, which is only read."""
    handle: dict[str, Any] = {}
    """What an earlier worker left, by which the engine's query may be found."""


class StatementHold(Frozen):
    """Says that a worker still works on a statement that it was handed directly; or that it lets
    go of it."""

    attempt: int


class StatementOrders(Frozen):
    """What a worker is told of a statement that it holds."""

    cancel: bool = False
    """Stop it; it then ends as CANCELED."""


class StatementProgress(Frozen):
    """What a worker writes down so that another one can go on."""

    attempt: int
    handle: dict[str, Any] = {}
    engine_query_id: str | None = None


class UploadOrder(Frozen):
    """Asks where a chunk goes."""

    attempt: int
    index: int = Field(ge=0)


class Upload(Frozen):
    """Where a chunk goes: PUT it there, without other headers."""

    url: str


class Chunk(Frozen):
    """One stored part of an answer."""

    rows: int
    bytes: int


class StatementEnd(Frozen):
    """How a statement ended."""

    attempt: int
    state: StatementState
    error_code: ServiceError | None = None
    message: str = ""
    kind: str | None = None
    engine_query_id: str | None = None
    columns: tuple[Column, ...] = ()
    chunks: tuple[Chunk, ...] = ()
    inline: str | None = Field(default=None, max_length=MOST_IN_ROW_BYTES)
    """All rows, instead of chunks in the object store: a JSON array of arrays, or an Arrow stream
    as base64. Then `chunks` holds one that counts them."""
    truncated: bool = False


class StatementClosing(Frozen):
    """Asks the control plane to end a statement whose worker could not."""

    ref: StatementRef
    canceled: bool = False
    """It was cancelled; else it failed."""
    reason: str = ""
    """Why nobody else could end it, for the message."""
    stopped: bool = False
    """Nothing of it runs at the engine, or nobody is there who could stop it."""
