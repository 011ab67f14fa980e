"""Where statements and the processes of warehouses meet in this process of the API.

Nothing here is kept: what counts stands in the database. A process of a warehouse that has room
waits on a `Seat`; a request that finds one writes its statement as taken up, and hands it over
after the commit. Who finds none offers it for a moment, to whoever comes next.
"""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field

from control.statements.tables import Statement, StatementResult
from spec.statements import StatementWork

Ended = tuple[Statement, StatementResult | None]

_MOST_OFFERED = 1000


@dataclass(eq=False)
class Seat:
    """One process of a warehouse that waits for a statement."""

    place: str
    work: asyncio.Future[StatementWork]

    def give(self, work: StatementWork) -> bool:
        """Hand a statement over; False when nobody sits there any more."""
        if self.work.done():
            return False
        self.work.set_result(work)
        return True


@dataclass
class Desk:
    """See module."""

    _free: defaultdict[str, list[Seat]] = field(
        default_factory=lambda: defaultdict[str, list[Seat]](list)
    )
    _offered: defaultdict[str, deque[str]] = field(
        default_factory=lambda: defaultdict[str, deque[str]](lambda: deque(maxlen=_MOST_OFFERED))
    )
    _once: dict[str, None] = field(default_factory=dict[str, None])
    """Statements that were offered here, newest last."""
    _awaited: dict[str, Ended | None] = field(default_factory=dict[str, Ended | None])

    def sit(self, place: str) -> Seat:
        """Wait for statements of the warehouse at a place."""
        seat = Seat(place, asyncio.get_running_loop().create_future())
        self._free[place].append(seat)
        return seat

    def rise(self, seat: Seat) -> None:
        """Wait no more."""
        if seat in self._free[seat.place]:
            self._free[seat.place].remove(seat)
        seat.work.cancel()

    def reserve(self, place: str) -> Seat | None:
        """Take a seat's occupant, if there is one: give it a statement, or put it back."""
        free = self._free[place]
        return free.pop() if free else None

    def put_back(self, seat: Seat) -> None:
        """Let an occupant that was reserved wait on."""
        if not seat.work.done():
            self._free[seat.place].append(seat)

    def is_free(self, seat: Seat) -> bool:
        """Tell whether nobody has reserved a seat's occupant."""
        return seat in self._free[seat.place]

    # Offers ------------------------------------------------------------------------------------

    def offer(self, place: str, statement_id: str) -> None:
        """Show a statement to whoever waits, or comes next; the same one is shown once."""
        if statement_id in self._once:
            return
        self._once[statement_id] = None
        while len(self._once) > _MOST_OFFERED:
            del self._once[next(iter(self._once))]
        self._offered[place].append(statement_id)

    def offered(self, place: str) -> str | None:
        """Return a statement that was offered, once; None when there is none."""
        shown = self._offered[place]
        return shown.popleft() if shown else None

    # Ends --------------------------------------------------------------------------------------

    def await_end(self, statement_id: str) -> None:
        """Say that a request of this process waits for a statement's end."""
        self._awaited[statement_id] = None

    def ended(self, row: Statement, result: StatementResult | None) -> None:
        """Leave how a statement ended for the request that waits for it, if it is here."""
        if row.statement_id in self._awaited:
            self._awaited[row.statement_id] = (row, result)

    def end_of(self, statement_id: str) -> Ended | None:
        """Return how a statement ended, if that was left here."""
        return self._awaited.get(statement_id)

    def forget(self, statement_id: str) -> None:
        """Wait no more for an end."""
        self._awaited.pop(statement_id, None)
