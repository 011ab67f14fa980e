"""Column types that several tables share."""

from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field


def instant(*, optional: bool = False, now: bool = False, index: bool = False) -> Any:
    """Return a column of an aware UTC instant.

    Args:
        optional: It may be NULL, and is at first.
        now: The database fills in the time of the transaction.
        index: Make an index on it.
    """
    extra: dict[str, Any] = {"sa_column_kwargs": {"server_default": text("now()")}} if now else {}
    if optional or now:
        extra["default"] = None
    return Field(sa_type=DateTime(timezone=True), nullable=optional, index=index, **extra)


def json_object() -> Any:
    """Return a JSONB column that holds an object, empty at first."""
    return Field(default_factory=dict, sa_type=JSONB, nullable=False)


def big_id(*, key: bool = False, index: bool = False) -> Any:
    """Return a 64-bit id that we choose ourselves, not the database."""
    extra: dict[str, Any] = {"sa_column_kwargs": {"autoincrement": False}} if key else {}
    return Field(sa_type=BigInteger, primary_key=key, index=index, nullable=False, **extra)


def serial() -> Any:
    """Return a primary key that the database counts up."""
    return Field(default=None, sa_type=BigInteger, primary_key=True)


def path_text(*, key: bool = False) -> Any:
    """Return text that sorts by its bytes, so that all below a folder is one index range."""
    return Field(sa_type=Text(collation="C"), primary_key=key, nullable=False)


def json_list() -> Any:
    """Return a JSONB column that holds a list, empty at first."""
    return Field(default_factory=list, sa_type=JSONB, nullable=False)


def reference(column: str, *, index: bool = False) -> Any:
    """Return a 64-bit foreign key to `<table>.<column>`."""
    return Field(sa_type=BigInteger, foreign_key=column, index=index, nullable=False)
