"""What can be seen of a trial when all is over; judged by `invariants`, gathered by `gather`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.chaos.witness import Seen


@dataclass(frozen=True)
class RunSeen:
    """One run as PostgreSQL has it, and so the API."""

    run_id: int
    kind: str
    """A name of `workload.KINDS`."""
    life: str
    """A `spec.states.RunLife`."""
    result: str
    triggered_at: datetime | None = None
    """The instant that its schedule meant."""
    message: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True)
class AttemptSeen:
    """One attempt as PostgreSQL has it, iterations included."""

    task_run_id: int
    run_id: int
    task_key: str
    attempt: int
    result: str
    is_program: bool
    """Whether it ran the program that tells the witness and prints lines."""


@dataclass(frozen=True)
class Left:
    """What should be gone a minute after the last run has ended."""

    processes: Sequence[str] = ()
    branches: Sequence[str] = ()
    locks: Sequence[str] = ()
    files: Sequence[str] = ()
    outbox: Sequence[str] = ()
    statements: Sequence[str] = ()
    """Those that are still open."""
    workflows: Sequence[str] = ()
    """Of runs, still open in Temporal."""

    def without(self, others: "Left") -> "Left":
        """Return what is not among others."""
        known = vars(others)
        return Left(
            **{
                what: [each for each in names if each not in known[what]]
                for what, names in vars(self).items()
            }
        )

    def is_empty(self) -> bool:
        """Tell whether nothing is left."""
        return not any(vars(self).values())


@dataclass(frozen=True)
class Evidence:
    """Everything that was seen of one trial."""

    asked: Mapping[str, int]
    """Idempotency token → the run that was promised for it."""
    asked_again: Mapping[str, int]
    """The same, asked once more when all was over."""
    runs: Sequence[RunSeen]
    """All runs of the jobs since the trial began, whoever asked for them."""
    attempts: Sequence[AttemptSeen]
    seen: Sequence[Seen]
    logs: Mapping[int, str]
    """Task-run id → log, of attempts that ran the program."""
    rows: Mapping[str, Counter[int]]
    """Published table → how many rows each run has in it."""
    statements: Mapping[str, str]
    """Statement id → empty when it gave the right answer, else its error code, or what it gave."""
    temporal: Mapping[int, str]
    """Run id → status of its workflow."""
    event_gaps: Sequence[str]
    replay_errors: Sequence[str]
    audited: frozenset[int]
    """Runs that an audit row names."""
    odd_deaths: Sequence[str]
    cancelled: frozenset[int] = frozenset()
    """Runs that somebody asked to end."""
    left: Left = field(default_factory=Left)
