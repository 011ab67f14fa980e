"""Deletes uploaded files whose time is over; the control worker does it by itself."""

import asyncio
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from control.deps import Deps
from control.uploads.service import purge
from spec.errors import Unavailable

log = structlog.get_logger(__name__)

_INTERVAL_S = 600.0


async def sweep_uploads(deps: Deps) -> None:
    """Look again and again, for ever."""
    while True:
        try:
            await purge(deps, datetime.now(UTC))
        except (SQLAlchemyError, OSError, Unavailable) as error:
            log.warning("uploads.sweep_put_off", error=str(error))
        await asyncio.sleep(_INTERVAL_S)
