"""Where the processes of warehouses run, behind one port."""

from collections.abc import Collection
from typing import Protocol

from spec.errors import OpenLakeError
from spec.tasks import Engine
from spec.warehouses import Clusters, WarehouseConfig


class CannotStart(OpenLakeError):
    """Something is missing here, so that trying again is of no use; the message says what to do."""


class WarehouseHost(Protocol):
    """Starts and stops processes; whatever it is asked for may be asked again.

    No method waits for a process: the next look shows what has become of it.
    """

    async def look(self, warehouse: WarehouseConfig) -> Clusters:
        """Return what runs of a warehouse now.

        Raises:
            Unavailable: that cannot be known now.
        """
        ...

    async def scale(self, warehouse: WarehouseConfig, count: int) -> int:
        """Bring a warehouse to so many processes that know this `warehouse`; return how many began.

        Raises:
            CannotStart: see there.
            Unavailable: it did not work this time.
        """
        ...

    async def settle(self, engines: Collection[Engine]) -> None:
        """See to the servers that these engines have, if they are the host's to start and stop.

        Those of other engines may end once nothing runs on them.
        """
        ...
