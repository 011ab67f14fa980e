"""Tables that say where the bytes of an attempt's log are."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant


class LogSize(SQLModel, table=True):
    """How many bytes of an attempt's log are held; its row lock orders the writers."""

    __tablename__ = "log_sizes"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    run_id: int = big_id(index=True)
    size: int = Field(default=0, sa_type=BigInteger)
    raw_size: int = Field(default=0, sa_type=BigInteger)
    """How much of what the worker has these bytes stand for: secrets are redacted, and of a log
    that is too long the rest is not kept."""


class LogChunk(SQLModel, table=True):
    """Bytes `start` to `stop` of the log are one object of the store; chunks are contiguous."""

    __tablename__ = "log_chunks"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    start: int = big_id(key=True)
    stop: int = Field(sa_type=BigInteger)
    key: str
    created_at: datetime | None = instant(now=True)
