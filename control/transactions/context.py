"""What the steps of a transaction work with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from control.db import Database
from control.gateway.references import References
from control.gateway.upstream import Catalog

FaultPoint = Callable[[str], Awaitable[None]]
"""Called between any two steps with the name of the one just done; tests die here."""


async def _go_on(step: str) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Context:
    """See module."""

    database: Database
    catalog: Catalog
    done: FaultPoint = _go_on

    @property
    def references(self) -> References:
        """The catalog's branches."""
        return References(self.catalog)
