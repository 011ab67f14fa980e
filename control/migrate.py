"""Brings a database to the newest schema; safe when several processes start at once."""

import asyncio
import time
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from asyncpg import (  # pyright: ignore[reportMissingTypeStubs]
    CannotConnectNowError,
    PostgresConnectionError,
    PostgresError,
)
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from control.db import create_engine

log = structlog.get_logger(__name__)

_SCRIPTS = Path(__file__).parent / "migrations"
_LONGEST_PAUSE_S = 2.0
_LOCK = 0x6F70656E_6C616B65
"""Names the advisory lock under which one process migrates and the others wait."""


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(url: str, *, patience_s: float = 0.0) -> None:
    """Apply every missing migration in one transaction.

    Args:
        url: Of the database.
        patience_s: How long to wait for a database that is away, or goes away meanwhile.
    """
    until, pause_s = time.monotonic() + patience_s, 0.1
    while True:
        try:
            return await _upgrade_once(url)
        except (OSError, PostgresError, DBAPIError) as error:
            if not _is_away(error) or time.monotonic() > until:
                raise
            log.warning("database.away", error=str(error))
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _is_away(error: OSError | PostgresError | DBAPIError) -> bool:
    """Tell whether a database is not there now, which says nothing against asking it again."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, InterfaceError)
    return isinstance(error, OSError | PostgresConnectionError | CannotConnectNowError)


async def _upgrade_once(url: str) -> None:
    engine = create_engine(url, pool_size=1, max_overflow=0)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
