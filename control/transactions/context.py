"""What the steps of a transaction work with."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from control.db import Database
from control.gateway.references import References
from control.gateway.upstream import Catalog

FaultPoint = Callable[[str], Awaitable[None]]
"""Called between any two steps with the name of the one just done; tests die here."""


async def _go_on(step: str) -> None:
    """Do nothing."""


class Turns:
    """Lets those who need the same lock in the database wait here, without a connection each."""

    def __init__(self) -> None:
        """See class."""
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, run_id: int) -> asyncio.Lock:
        """Return the lock of a run in this process."""
        lock = self._locks.get(run_id)
        if lock is None:
            lock = self._locks[run_id] = asyncio.Lock()
        return lock


@dataclass(frozen=True)
class Context:
    """See module."""

    database: Database
    catalog: Catalog
    done: FaultPoint = _go_on
    turns: Turns = field(default_factory=Turns)

    @property
    def references(self) -> References:
        """The catalog's branches."""
        return References(self.catalog)
