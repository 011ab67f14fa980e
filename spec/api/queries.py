"""Requests and answers of `sql/queries` (Databricks Queries API 2.0), and OpenLake's own beside it.

OpenLake's own, under `/api/openlake/1.0/queries/{id}`: running a query, and its versions.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from spec.api.statements import StatementOptions
from spec.api.versions import VersionItem
from spec.attempts import Frozen
from spec.diff import Change
from spec.model import Model
from spec.query_parameters import Given, QueryParameter

AUTO_LIMIT = 1000
"""Rows that a query with `apply_auto_limit` gives at most."""

QUERY_TAG = "openlake.query_id"
"""Says in the history which saved query a statement is of."""

ASKED_BY_TAG = "openlake.asked_by"
"""Says who asked for a statement of a query that runs with its owner's rights."""

RunAsMode = Literal["OWNER", "VIEWER"]
DisplayName = Annotated[str, Field(min_length=1, max_length=1000)]


def _named_once(parameters: tuple[QueryParameter, ...]) -> tuple[QueryParameter, ...]:
    names = [parameter.name for parameter in parameters]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"parameter '{twice[0]}' is declared twice")
    return parameters


Parameters = Annotated[
    tuple[QueryParameter, ...], Field(max_length=100), AfterValidator(_named_once)
]


class _Content(Model):
    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        # JSON spells the character so, and the database keeps no text with it.
        if "\\u0000" in json.dumps(value, default=str):
            raise ValueError("a NUL character stands in it")
        return value


class QueryContent(_Content):
    """All of a query that has versions."""

    display_name: DisplayName = "New query"
    query_text: str = ""
    """Parameters are named `:name` in it, ranges `:name.min` and `:name.max`."""
    warehouse_id: str = ""
    """Where it runs unless something else is said; jobs say it themselves."""
    description: str = ""
    tags: tuple[str, ...] = ()
    catalog: str | None = None
    """Of names without one, like `schema`."""
    schema_name: str | None = Field(default=None, alias="schema")
    parameters: Parameters = ()
    run_as_mode: RunAsMode = "VIEWER"
    """With whose rights `run` runs it: the owner's, or those of whoever runs it. Of a task, the
    job's `run_as` counts."""
    apply_auto_limit: bool = False
    """`run` gives 1000 rows at most; a task's output holds no more in any case."""


class QueryFields(QueryContent):
    """What a person writes of a new query."""

    parent_path: str | None = None
    """The folder that its name is unique in; the owner's home when unset. It need not exist."""


class QueryChange(_Content):
    """What of a query is to change; only what the mask names counts."""

    display_name: DisplayName | None = None
    query_text: str | None = None
    warehouse_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    parameters: Parameters | None = None
    run_as_mode: RunAsMode | None = None
    apply_auto_limit: bool | None = None
    owner_user_name: str | None = Field(default=None, min_length=1)


class CreateQuery(Model):
    """Request of `POST sql/queries`."""

    query: QueryFields
    auto_resolve_display_name: bool = False
    """A name that is taken gets a number; else it is refused."""


class UpdateQuery(Model):
    """Request of `PATCH sql/queries/{id}`; only masked fields change, `*` means all given ones.

    A field that the mask names and the query leaves out gets its first value again.
    """

    query: QueryChange
    update_mask: str = Field(min_length=1)
    auto_resolve_display_name: bool = False


class QueryView(QueryContent):
    """One saved query."""

    id: str
    parent_path: str
    owner_user_name: str
    last_modifier_user_name: str
    lifecycle_state: Literal["ACTIVE", "TRASHED"]
    create_time: str
    """ISO 8601, UTC."""
    update_time: str


class QueryList(Frozen):
    """Answer of `GET sql/queries`, newest first."""

    results: tuple[QueryView, ...] = ()
    next_page_token: str | None = None


# OpenLake's own -----------------------------------------------------------------------------


class RunQuery(StatementOptions):
    """Request of `run`; the answer is that of `POST sql/statements`."""

    warehouse_id: str | None = None
    """Else the query's, else `duckdb`."""
    parameters: dict[str, Given] = {}
    """Name → value, for those that are not to have their default. A range is `start..end` or the
    name of a dynamic one, several values are a list, null is NULL."""


class QueryVersionView(VersionItem):
    """One version of a query."""

    query_id: str
    query: dict[str, Any]
    """As `sql/queries` shows it."""


class QueryVersionDiff(Frozen):
    """What changed from one version to another."""

    query_id: str
    before: int
    """The version that the changes are told against; 0 for none."""
    after: int
    changes: tuple[Change, ...] = ()


class QueryRestored(Frozen):
    """Answer of `restore`."""

    query_id: str
    version: int
    """The newest version now; the one that was there when the query was the same already."""


class PinnedQuery(Frozen):
    """A query as a run keeps it."""

    query_text: str
    parameters: tuple[QueryParameter, ...] = ()
    catalog: str | None = None
    schema_name: str | None = None

    @classmethod
    def read(cls, content: bytes) -> "PinnedQuery":
        """Return what a run has pinned; runs of the first version pinned the text alone."""
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            return cls(query_text=content.decode("utf-8", "replace"))
