"""Requests and answers of `/api/openlake/1.0/sessions`: sign-in by cookie."""

from typing import Annotated

from pydantic import Field, model_validator

from spec.attempts import Frozen
from spec.model import Model

Secret = Annotated[str, Field(min_length=1, max_length=4096)]


class SignIn(Model):
    """Request of `POST sessions`: an access token, or a code of `POST sessions/codes`."""

    token: Secret | None = Field(default=None, repr=False)
    code: Secret | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _one(self) -> "SignIn":
        if (self.token is None) == (self.code is None):
            raise ValueError("give exactly one of 'token' and 'code'")
        return self


class SessionView(Frozen):
    """One workspace that a browser is signed in to; answer of `POST sessions`."""

    workspace_id: int
    workspace_name: str
    user_name: str
    display_name: str
    is_admin: bool
    expires_at: int
    """Milliseconds since 1970; the session ends earlier when its token does."""


class SessionList(Frozen):
    """Answer of `GET sessions`, in the order of signing in; empty for who is not signed in."""

    sessions: tuple[SessionView, ...] = ()


class CreatedSignInCode(Frozen):
    """Answer of `POST sessions/codes`; the only time that the code is shown."""

    code: str
    expires_at: int
    """Milliseconds since 1970."""


class ConsoleFacts(Frozen):
    """Answer of `GET console/settings`, which everybody may read."""

    version: str
    """OpenLake's own."""
    temporal_ui_url: str | None
    """Where Temporal's own console is, if it is known."""
    temporal_namespace: str
