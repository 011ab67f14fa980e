"""The base of the contract's models and the field types that many of them share."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_text(value: object) -> object:
    # YAML writes numbers and booleans bare where the API's maps hold text.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text)]
TaskKey = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Model(BaseModel):
    """Base of the contract's models: immutable, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)
