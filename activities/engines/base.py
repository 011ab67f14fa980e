"""The port behind which every engine stands, whatever it is.

One attempt is one piece of outside work, named by its key. `submit` is harmless when repeated: it
stores its intent first and looks the key up before it starts anything.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spec.attempts import AttemptOutcome, AttemptOutput, AttemptWork, Frozen


class Handle(Frozen):
    """Where submitted work is; travels as JSON in heartbeats and in `AttemptRef.handle`."""

    key: str
    host: str | None = None
    """The only machine that can follow this work; None when any worker can."""
    state: dict[str, str] = {}
    """The engine's own notes, e.g. the address of the next result page; no secrets."""


class Progress(Frozen):
    """What one look at the work showed."""

    done: bool
    handle: Handle | None = None
    """The handle to go on with, when it has changed."""


class LogSource(Protocol):
    """What the work has written so far, as bytes that never change once written."""

    def read(self, offset: int, limit: int) -> bytes:
        """Return at most `limit` bytes from `offset`; empty when there is no more yet."""
        ...


@dataclass(frozen=True)
class Feeds:
    """What the one driver ships for every engine while the work runs."""

    log: LogSource
    lineage: Path
    """A file of OpenLineage events, one JSON object a line, that the work appends to."""
    artifacts: Path | None = None
    """An archive that the work may leave for people to download."""


class EngineAdapter(Protocol):
    """Submits, follows, stops and reads one kind of outside work.

    Every method raises `EngineUnavailable` when the engine cannot be reached; ask again.
    """

    is_local: bool
    """Its work lives on one machine, that of the worker that submitted it."""

    async def find(self, key: str, work: AttemptWork | None = None) -> Handle | None:
        """Return the handle of work that was submitted under this key, running or ended.

        Args:
            key: The submit key.
            work: What it was, where that is known: it tells where to look.
        """
        ...

    async def submit(self, work: AttemptWork, key: str) -> Handle:
        """Start the work unless it was started before; return where it is.

        Raises:
            EngineRejected: the engine refuses this work and always will.
        """
        ...

    async def poll(self, handle: Handle, work: AttemptWork) -> Progress:
        """Wait for the end, a second at most, and tell whether it has come; lost work has ended."""
        ...

    async def cancel(self, handle: Handle) -> None:
        """Stop the work for good; returns when nothing of it runs any more."""
        ...

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """Return how ended work ended and what it left; the same answer every time."""
        ...

    def feeds(self, handle: Handle) -> Feeds:
        """Return where log and lineage of the work can be read from."""
        ...

    async def close(self) -> None:
        """Let go of connections; the work goes on."""
        ...
