"""Requests and answers of `token/*` and `token-management/*` (Databricks Token APIs 2.0)."""

from typing import Annotated, Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

MOST_LIFE_S = 100 * 365 * 24 * 3600
NEVER = -1
"""The expiry of a token without one."""

Comment = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")]
Life = Annotated[int, Field(ge=1, le=MOST_LIFE_S)]


class NewToken(Model):
    """What is said of a token that is to be made; a token always has all rights of its owner."""

    comment: Comment | None = None
    lifetime_seconds: Life | None = None
    """It never expires if this is left out."""
    autoscope_enabled: Literal[False] = False
    scopes: tuple[str, ...] = Field(default=(), max_length=0)
    """Scoped tokens are refused: one that could do more than it says would be a trap."""


class CreateToken(NewToken):
    """Request of `token/create`."""


class CreateOboToken(NewToken):
    """Request of `token-management/on-behalf-of/tokens`."""

    application_id: str = Field(min_length=1, max_length=255)


class TokenId(Model):
    """Request of `token/delete`."""

    token_id: str = Field(max_length=100)


class PublicTokenInfo(Frozen):
    """A token without its value, for its owner."""

    token_id: str
    creation_time: int
    """Milliseconds since 1970, as all times here."""
    expiry_time: int
    comment: str = ""


class PublicTokenList(Frozen):
    """Answer of `token/list`."""

    token_infos: tuple[PublicTokenInfo, ...] = ()


class CreatedToken(Frozen):
    """Answer of `token/create`; the only time that the value is shown."""

    token_value: str
    token_info: PublicTokenInfo


class TokenInfo(PublicTokenInfo):
    """A token without its value, for an admin."""

    created_by_id: int | None = None
    created_by_username: str | None = None
    owner_id: int
    workspace_id: int
    last_used_day: int | None = None
    """A day may be missing."""


class TokenInfoList(Frozen):
    """Answer of `token-management/tokens`."""

    token_infos: tuple[TokenInfo, ...] = ()


class TokenAnswer(Frozen):
    """Answer of `token-management/tokens/{token_id}`."""

    token_info: TokenInfo


class CreatedOboToken(Frozen):
    """Answer of `token-management/on-behalf-of/tokens`."""

    token_value: str
    token_info: TokenInfo


class TokenChange(Model):
    """What can be changed of a token."""

    comment: Comment | None = None
    token_id: str | None = Field(default=None, max_length=100)


class UpdateToken(Model):
    """Request of a token's PATCH."""

    token: TokenChange
    update_mask: Literal["comment", "*"]
