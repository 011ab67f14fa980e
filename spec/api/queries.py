"""Requests and answers of `sql/queries` (Databricks Queries API 2.0)."""

from typing import Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model


class QueryFields(Model):
    """What a person writes."""

    display_name: str = Field(default="New query", min_length=1, max_length=1000)
    query_text: str = ""
    warehouse_id: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()


class CreateQuery(Model):
    """Request of `POST sql/queries`."""

    query: QueryFields
    auto_resolve_display_name: bool = False


class UpdateQuery(Model):
    """Request of `PATCH sql/queries/{id}`; only masked fields change, `*` means all given ones."""

    query: QueryFields
    update_mask: str = Field(min_length=1)
    auto_resolve_display_name: bool = False


class QueryView(Frozen):
    """One saved query."""

    id: str
    display_name: str
    query_text: str
    warehouse_id: str
    description: str
    tags: tuple[str, ...]
    owner_user_name: str
    last_modifier_user_name: str
    lifecycle_state: Literal["ACTIVE", "TRASHED"]
    run_as_mode: Literal["VIEWER"] = "VIEWER"
    create_time: str
    """ISO 8601, UTC."""
    update_time: str


class QueryList(Frozen):
    """Answer of `GET sql/queries`, newest first."""

    results: tuple[QueryView, ...] = ()
    next_page_token: str | None = None
