"""Requests and answers of `preview/sql/queries`: saved queries as older clients spell them.

They are the queries of `sql/queries`. A data source has its warehouse's id. Parameters of the text
are written `:name` here too; the braces of the older editor, which paste text, are refused.
"""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from spec.api.queries import QueryView
from spec.attempts import Frozen
from spec.errors import Invalid
from spec.model import Model
from spec.query_parameters import QueryParameter

_BRACES = re.compile(r"\{\{.*?\}\}")


class LegacyParameter(Model):
    """One parameter and its default; `text` and `number` can be written, others only read."""

    name: str
    title: str = ""
    type: Literal["datetime", "enum", "number", "query", "text"] = "text"
    value: Any = None
    enumOptions: str | None = None
    queryId: str | None = None

    def modern(self) -> dict[str, Any]:
        """Return it as `sql/queries` spells it, not yet checked.

        Raises:
            Invalid: its type cannot be written so.
        """
        named: dict[str, Any] = {"name": self.name, "title": self.title}
        if self.type == "text":
            text = None if self.value is None else str(self.value)
            return {**named, "text_value": {"value": text}}
        if self.type == "number":
            return {**named, "numeric_value": {"value": self.value}}
        raise Invalid(
            f"options.parameters: '{self.name}' is of type '{self.type}', which is written with"
            " /api/2.0/sql/queries only"
        )

    @classmethod
    def of(cls, one: QueryParameter) -> "LegacyParameter":
        """Return a parameter as older clients read it; a range is shown without its value."""
        named = {"name": one.name, "title": one.title}
        if one.text_value is not None:
            return cls(**named, type="text", value=one.text_value.value)
        if one.numeric_value is not None:
            return cls(**named, type="number", value=one.numeric_value.value)
        if (choice := one.enum_value) is not None:
            values = list(choice.values)
            return cls(**named, type="enum", value=values, enumOptions=choice.enum_options)
        if (backed := one.query_backed_value) is not None:
            values = list(backed.values)
            return cls(**named, type="query", value=values, queryId=backed.query_id)
        date = one.date_value
        return cls(**named, type="datetime", value=date.date_value if date else None)


class LegacyOptions(Model):
    """Where names are looked up, and the parameters."""

    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    parameters: tuple[LegacyParameter, ...] = ()


class LegacyFields(Model):
    """Request of `POST preview/sql/queries` and `…/{id}`; an update changes what is given."""

    name: str | None = Field(default=None, min_length=1, max_length=1000)
    query: str | None = None
    description: str | None = None
    data_source_id: str | None = None
    options: LegacyOptions | None = None
    run_as_role: Literal["owner", "viewer"] | None = None
    tags: tuple[str, ...] | None = None

    @field_validator("query")
    @classmethod
    def _no_braces(cls, value: str | None) -> str | None:
        if value is not None and (found := _BRACES.search(value)):
            raise ValueError(
                f"'{found[0][:60]}' would paste text into the statement; write the parameter as"
                " :name, whose value is bound"
            )
        return value

    def modern(self) -> dict[str, Any]:
        """Return what is given as `sql/queries` spells it, not yet checked.

        Raises:
            Invalid: a parameter is of a type that cannot be written so.
        """
        found: dict[str, Any] = {
            "display_name": self.name,
            "query_text": self.query,
            "description": self.description,
            "warehouse_id": self.data_source_id,
            "run_as_mode": self.run_as_role.upper() if self.run_as_role else None,
            "tags": self.tags,
        }
        if self.options is not None:
            found |= {
                "catalog": self.options.catalog,
                "schema": self.options.schema_name,
                "parameters": [each.modern() for each in self.options.parameters],
            }
        return {name: value for name, value in found.items() if value is not None}


class LegacyUser(Frozen):
    """Who made or changed a query."""

    name: str
    email: str


class LegacyQueryView(Model):
    """One saved query."""

    id: str
    name: str
    query: str
    description: str
    data_source_id: str
    options: LegacyOptions
    run_as_role: Literal["owner", "viewer"]
    tags: tuple[str, ...]
    user: LegacyUser
    last_modified_by: LegacyUser
    is_archived: bool
    is_draft: bool = False
    is_favorite: bool = False
    is_safe: bool = True
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, view: QueryView) -> "LegacyQueryView":
        """Return a saved query as older clients read it."""
        owner, editor = view.owner_user_name, view.last_modifier_user_name
        return cls(
            id=view.id,
            name=view.display_name,
            query=view.query_text,
            description=view.description,
            data_source_id=view.warehouse_id,
            options=LegacyOptions(
                catalog=view.catalog,
                schema=view.schema_name,
                parameters=tuple(LegacyParameter.of(each) for each in view.parameters),
            ),
            run_as_role="owner" if view.run_as_mode == "OWNER" else "viewer",
            tags=view.tags,
            user=LegacyUser(name=owner, email=owner),
            last_modified_by=LegacyUser(name=editor, email=editor),
            is_archived=view.lifecycle_state == "TRASHED",
            created_at=view.create_time,
            updated_at=view.update_time,
        )


class LegacyQueryList(Frozen):
    """Answer of `GET preview/sql/queries`: one page of all that the caller may see."""

    count: int
    page: int
    page_size: int
    results: tuple[LegacyQueryView, ...] = ()
