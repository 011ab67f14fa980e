"""Tables of the console's sessions and of the codes that begin one."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from control.columns import instant, reference


class ConsoleSession(SQLModel, table=True):
    """A browser that is signed in to one workspace; it may be signed in to several.

    It is good for as long as the token that it was begun with, at most until `expires_at`.
    """

    __tablename__ = "console_sessions"  # pyright: ignore[reportAssignmentType]

    sha256: str = Field(primary_key=True)
    """Of the cookie's value, which is nowhere else but in the browser."""
    workspace_id: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="workspaces.workspace_id",
        sa_column_kwargs={"autoincrement": False},
    )
    token_id: str = Field(foreign_key="tokens.token_id", ondelete="CASCADE", index=True)
    created_at: datetime | None = instant(now=True)
    expires_at: datetime = instant(index=True)


class SignInCode(SQLModel, table=True):
    """A code that signs a browser in once, within a minute, as the token that asked for it."""

    __tablename__ = "sign_in_codes"  # pyright: ignore[reportAssignmentType]

    sha256: str = Field(primary_key=True)
    workspace_id: int = reference("workspaces.workspace_id")
    token_id: str = Field(foreign_key="tokens.token_id", ondelete="CASCADE", index=True)
    expires_at: datetime = instant(index=True)
