"""Requests and answers of `sql/statements` (Databricks Statement Execution API 2.0).

What is OpenLake's own: `branch` and `idempotency_token`. What of the Databricks SQL connector's
statement backend is in no public reference: `sql/sessions`, `session_id`, `result_compression`,
`attachment` and the disposition INLINE_OR_EXTERNAL_LINKS (`databricks-sql-connector` 4.9,
`backend/sea`).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from spec.attempts import Frozen
from spec.model import Model, Text
from spec.statements import (
    MOST_BYTES,
    MOST_STATEMENT_BYTES,
    Disposition,
    ResultFormat,
    ServiceError,
    StatementState,
    TypeName,
)

_WAIT = re.compile(r"(\d{1,3})s\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _wait(text: str) -> str:
    found = _WAIT.match(text)
    if found is None or not (int(found[1]) == 0 or 5 <= int(found[1]) <= 50):
        raise ValueError(
            f"'{text[:20]}' is no time to wait: give '0s' to wait not at all, or '5s' to '50s'"
        )
    return text


class StatementParameter(Model):
    """The value of one `:name` marker."""

    name: str
    value: Text | None = None
    """Spelled as text; NULL when it is missing."""
    type: str = "STRING"
    """E.g. STRING, INT, BIGINT, DOUBLE, DECIMAL(10,2), BOOLEAN, DATE, TIMESTAMP."""

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _NAME.match(value):
            raise ValueError(
                f"'{value[:60]}' is no name of a parameter: letters, digits and _, no digit first;"
                " parameters without a name are not supported"
            )
        return value


class QueryTag(Model):
    """A word that one can find the statement by in the history."""

    key: str = Field(min_length=1, max_length=128)
    value: str | None = Field(default=None, max_length=256)


class StatementOptions(Model):
    """How a statement is run, whatever its text is."""

    catalog: str | None = None
    """Of names without one; the warehouse's own when unset."""
    schema_name: str | None = Field(default=None, alias="schema")
    wait_timeout: Annotated[str, AfterValidator(_wait)] = "10s"
    on_wait_timeout: Literal["CONTINUE", "CANCEL"] = "CONTINUE"
    disposition: Disposition = Disposition.INLINE
    format: ResultFormat = ResultFormat.JSON_ARRAY
    row_limit: int | None = Field(default=None, ge=1, le=1 << 62)
    byte_limit: int | None = Field(default=None, ge=1, le=MOST_BYTES)
    query_tags: tuple[QueryTag, ...] = Field(default=(), max_length=20)
    branch: str | None = Field(default=None, min_length=1, max_length=200)
    """OpenLake's own: the kept branch of a run, to be read instead of main."""
    idempotency_token: str | None = Field(default=None, min_length=1, max_length=64)
    """OpenLake's own: a request sent again with the same token is answered with the first one's
    statement."""

    @model_validator(mode="after")
    def _fit_together(self) -> "StatementOptions":
        if self.disposition is Disposition.INLINE and self.format is not ResultFormat.JSON_ARRAY:
            raise ValueError(
                f"the disposition INLINE takes the format JSON_ARRAY only; ask for {self.format}"
                " with EXTERNAL_LINKS"
            )
        if (
            self.disposition is Disposition.INLINE_OR_EXTERNAL_LINKS
            and self.format is not ResultFormat.ARROW_STREAM
        ):
            raise ValueError(
                "the disposition INLINE_OR_EXTERNAL_LINKS takes the format ARROW_STREAM only; ask"
                f" for {self.format} with EXTERNAL_LINKS"
            )
        if self.on_wait_timeout == "CANCEL" and self.wait_s == 0:
            raise ValueError("on_wait_timeout CANCEL needs a wait_timeout of at least '5s'")
        return self

    @property
    def wait_s(self) -> int:
        """How long to wait for the end, in seconds."""
        return int(self.wait_timeout.removesuffix("s"))


class ExecuteStatement(StatementOptions):
    """Request of `POST sql/statements`."""

    statement: str = Field(min_length=1)
    """One SQL statement of at most 16 MiB; parameters are marked `:name`."""
    warehouse_id: str = ""
    """The workspace's default one if it is left out."""
    parameters: tuple[StatementParameter, ...] = ()
    session_id: str | None = Field(default=None, min_length=1, max_length=64)
    """Of `POST sql/sessions`: its catalog, schema and tags are taken where none are given."""
    result_compression: Literal["NONE", "LZ4_FRAME", "GZIP"] | None = None
    """What the client could unpack. Answers are not compressed; their manifest says so by naming
    no `result_compression`."""

    @field_validator("statement")
    @classmethod
    def _fits(cls, value: str) -> str:
        size = len(value.encode("utf-8", "replace"))
        if size > MOST_STATEMENT_BYTES:
            raise ValueError(f"a statement has at most {MOST_STATEMENT_BYTES} bytes, not {size}")
        if "\0" in value:
            raise ValueError("the statement has a NUL character in it")
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _none_given(cls, value: object) -> object:
        # Airflow's Databricks provider writes null where it has none.
        return () if value is None else value

    @model_validator(mode="after")
    def _named_once(self) -> "ExecuteStatement":
        names = [each.name for each in self.parameters]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the parameter '{twice[0]}' is given twice")
        return self


class StatementError(Frozen):
    """Why a statement failed."""

    error_code: ServiceError
    message: str


class StatementStatus(Frozen):
    """Where a statement stands; SQL that fails is FAILED here, never an HTTP error."""

    state: StatementState
    error: StatementError | None = None


class ColumnInfo(Frozen):
    """One column of an answer."""

    name: str
    position: int
    """From 0."""
    type_name: TypeName
    type_text: str
    type_precision: int | None = None
    type_scale: int | None = None
    type_interval_type: str | None = None


class ResultSchema(Frozen):
    """The columns of an answer."""

    column_count: int
    columns: tuple[ColumnInfo, ...]


class ChunkInfo(Frozen):
    """One part of an answer."""

    chunk_index: int
    row_offset: int
    row_count: int
    byte_count: int


class ResultManifest(Frozen):
    """What the answer of a statement that succeeded is made of."""

    format: ResultFormat
    schema_name: ResultSchema = Field(alias="schema")
    total_chunk_count: int
    total_row_count: int
    total_byte_count: int
    truncated: bool
    chunks: tuple[ChunkInfo, ...] = ()


class ExternalLink(Frozen):
    """Where the bytes of a chunk are; fetched without an Authorization header."""

    chunk_index: int
    row_offset: int
    row_count: int
    byte_count: int
    external_link: str
    expiration: str
    """ISO 8601, UTC; at most 15 minutes ahead. Ask for the chunk again for a fresh link."""
    next_chunk_index: int | None = None
    next_chunk_internal_link: str | None = None


class ResultData(Frozen):
    """The rows of one chunk, or a link to them; empty when there are none."""

    chunk_index: int | None = None
    row_offset: int | None = None
    row_count: int | None = None
    next_chunk_index: int | None = None
    next_chunk_internal_link: str | None = None
    data_array: tuple[tuple[str | None, ...], ...] | None = None
    """Every value as text; nested values as JSON."""
    attachment: str | None = None
    """Of INLINE_OR_EXTERNAL_LINKS, when the answer is small: an Arrow stream, as base64."""
    external_links: tuple[ExternalLink, ...] | None = None


class StatementView(Frozen):
    """A statement as it stands, with the first chunk of its answer once it has succeeded."""

    statement_id: str
    status: StatementStatus
    manifest: ResultManifest | None = None
    result: ResultData | None = None


# Sessions -----------------------------------------------------------------------------------


class CreateSession(Model):
    """Request of `POST sql/sessions`."""

    warehouse_id: str
    catalog: str | None = Field(default=None, min_length=1, max_length=255)
    """Of names without one in the session's statements."""
    schema_name: str | None = Field(default=None, alias="schema", min_length=1, max_length=255)
    session_confs: dict[str, Text] = {}
    """Settings by name: see `check_settings`."""

    @model_validator(mode="after")
    def _settings_fit(self) -> "CreateSession":
        check_settings(self.session_confs)
        return self

    @property
    def query_tags(self) -> tuple[QueryTag, ...]:
        """What the setting QUERY_TAGS says: `key:value,key`."""
        given = {name.upper(): value for name, value in self.session_confs.items()}
        pairs = (each.partition(":") for each in given.get("QUERY_TAGS", "").split(",") if each)
        return tuple(QueryTag(key=key.strip(), value=value or None) for key, _, value in pairs)


class SessionView(Frozen):
    """Answer of `POST sql/sessions`."""

    session_id: str


class DeleteSession(Model):
    """What clients send along with `DELETE sql/sessions/{id}`."""

    warehouse_id: str | None = None
    session_id: str | None = None


_FIXED = {
    "ANSI_MODE": "true",
    "LEGACY_TIME_PARSER_POLICY": "exception",
    "READ_ONLY_EXTERNAL_METASTORE": "false",
    "STATEMENT_TIMEOUT": "0",
    "TIMEZONE": "utc",
}
"""Settings that Databricks offers and that are always so here."""
_WITHOUT_EFFECT = frozenset({"ENABLE_PHOTON", "MAX_FILE_PARTITION_BYTES", "USE_CACHED_RESULT"})
"""Settings that change how fast an answer comes, never which."""


def check_settings(given: dict[str, str]) -> None:
    """Refuse settings of a session that would change answers, and those that are not known.

    QUERY_TAGS has its effect; what only concerns speed is accepted without one.

    Raises:
        ValueError: naming the setting, and what it may be.
    """
    for name, value in given.items():
        known = name.upper()
        if known in _FIXED and value.lower() != _FIXED[known]:
            raise ValueError(
                f"session_confs: {known} is always '{_FIXED[known]}' here, not '{value[:60]}';"
                " leave it out"
            )
        if known not in _FIXED and known not in _WITHOUT_EFFECT and known != "QUERY_TAGS":
            names = ", ".join(sorted({*_FIXED, *_WITHOUT_EFFECT, "QUERY_TAGS"}))
            raise ValueError(f"session_confs: '{name[:60]}' is none of {names}")
