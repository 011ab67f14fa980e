"""Deletes files whose time is over; the control worker does it by itself.

They are uploads that were to be loaded into tables, uploads in parts that nobody completed, and
the files of deleted volumes.
"""

import asyncio
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from control.deps import Deps
from control.uploads.service import purge
from control.volumes import service as volumes
from control.volumes import transfers
from spec.errors import Unavailable

log = structlog.get_logger(__name__)

_INTERVAL_S = 600.0


async def sweep_uploads(deps: Deps) -> None:
    """Look again and again, for ever."""
    while True:
        try:
            now = datetime.now(UTC)
            await purge(deps, now)
            await transfers.purge(deps, now)
            await volumes.purge(deps, now)
        except (SQLAlchemyError, OSError, Unavailable) as error:
            log.warning("uploads.sweep_put_off", error=str(error))
        await asyncio.sleep(_INTERVAL_S)
