"""What the proxy remembers, so that logging a metric asks nobody but MLflow."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from control.auth import Caller
from control.mlflow.calls import Of
from control.mlflow.server import MlflowServer
from control.permissions.levels import Kind, Level
from control.secrets.access import Reader

_LEVEL_S = 5.0
"""A permission that is taken away works for at most that long, as a revoked token does."""
_MOST = 50_000


@dataclass(frozen=True)
class Home:
    """Where a run, a logged model or a trace belongs; that never changes."""

    experiment_id: str
    artifacts: str
    """Address of its artifacts as MLflow keeps it; may be empty."""


@dataclass
class Memory:
    """Bounded; what is forgotten is asked again."""

    clock: Callable[[], float] = time.monotonic
    homes: dict[tuple[int, Of, str], Home] = field(default_factory=dict[tuple[int, Of, str], Home])
    experiments: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Workspace and id of experiments that are known to be there."""
    _levels: dict[tuple[tuple[int, ...], Kind, str], tuple[float, Level]] = field(
        default_factory=dict[tuple[tuple[int, ...], Kind, str], tuple[float, Level]]
    )
    _tasks: dict[str, tuple[float, Reader]] = field(
        default_factory=dict[str, tuple[float, Reader]], repr=False
    )

    def keep_home(self, workspace_id: int, of: Of, name: str, home: Home) -> None:
        """Remember where something belongs."""
        if len(self.homes) >= _MOST:
            self.homes.clear()
        self.homes[(workspace_id, of, name)] = home

    def keep_experiment(self, workspace_id: int, experiment_id: str) -> None:
        """Remember that an experiment is there."""
        if len(self.experiments) >= _MOST:
            self.experiments.clear()
        self.experiments.add((workspace_id, experiment_id))

    def level(self, caller: Caller, kind: Kind, object_id: str) -> Level | None:
        """Return the level that the caller held a moment ago; None if that is not known."""
        until, level = self._levels.get((caller.principals, kind, object_id), (0.0, None))
        return level if until > self.clock() else None

    def keep_level(self, caller: Caller, kind: Kind, object_id: str, level: Level) -> None:
        """Remember a level for a moment."""
        if len(self._levels) >= _MOST:
            self._levels.clear()
        self._levels[(caller.principals, kind, object_id)] = (self.clock() + _LEVEL_S, level)

    def task(self, token: str) -> Reader | None:
        """Return whom an attempt's token spoke for a moment ago; None if that is not known."""
        until, reader = self._tasks.get(token, (0.0, None))
        return reader if until > self.clock() else None

    def keep_task(self, token: str, reader: Reader) -> None:
        """Remember for a moment whom an attempt's token speaks for."""
        if len(self._tasks) >= _MOST:
            self._tasks.clear()
        self._tasks[token] = (self.clock() + _LEVEL_S, reader)


@dataclass(frozen=True)
class Tracking:
    """The MLflow server and what is remembered of it."""

    server: MlflowServer = field(default_factory=MlflowServer)
    memory: Memory = field(default_factory=Memory)
