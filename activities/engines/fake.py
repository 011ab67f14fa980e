"""An engine without an outside, for tests of what stands in front of the port."""

from datetime import UTC, datetime
from pathlib import Path

from activities.engines.base import Feeds, Handle, Progress
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
    PythonProgram,
)

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class _Text:
    def read(self, offset: int, limit: int) -> bytes:
        return b"it ran\n"[offset : offset + limit]


class FakeEngine:
    """Does at once what the program's path says: `succeed`, `fail` or `hang`.

    Args:
        works: What has been submitted, by key; share it between workers of one scene.
    """

    is_local = False

    def __init__(self, works: dict[str, str]) -> None:
        """See class."""
        self._works = works

    async def find(self, key: str, work: AttemptWork | None = None) -> Handle | None:
        """See `EngineAdapter`."""
        return Handle(key=key) if key in self._works else None

    async def submit(self, work: AttemptWork, key: str) -> Handle:
        """See `EngineAdapter`."""
        program = work.program
        order = program.path if isinstance(program, PythonProgram) else "succeed"
        self._works.setdefault(key, order)
        return Handle(key=key)

    async def poll(self, handle: Handle, work: AttemptWork) -> Progress:
        """See `EngineAdapter`."""
        return Progress(done=self._works[handle.key] != "hang")

    async def cancel(self, handle: Handle) -> None:
        """See `EngineAdapter`."""
        if self._works[handle.key] == "hang":
            self._works[handle.key] = "cancelled"

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See `EngineAdapter`."""
        result, code, message = {
            "succeed": (AttemptResult.SUCCESS, "SUCCESS", ""),
            "fail": (AttemptResult.FAILED, "RUN_EXECUTION_ERROR", "it failed"),
            "cancelled": (AttemptResult.CANCELED, "CANCELED", "The attempt was cancelled."),
        }[self._works[handle.key]]
        outcome = AttemptOutcome(
            result=result, code=code, message=message, started_at=_BEGINNING, ended_at=_BEGINNING
        )
        failed = result is AttemptResult.FAILED
        return outcome, AttemptOutput(error=message if failed else None)

    def feeds(self, handle: Handle) -> Feeds:
        """See `EngineAdapter`."""
        return Feeds(_Text(), Path("/nonexistent"))

    async def close(self) -> None:
        """See `EngineAdapter`."""
