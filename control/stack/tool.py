"""One thing the parts run on, and how it is had: from PATH, or into a folder of the cache.

A tool's target appears by one rename, so whatever exists is whole.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from control.stack.commands import Runner
from control.stack.layout import Layout

Say = Callable[[str], None]


class Tool(ABC):
    """One thing to install."""

    room_mib: ClassVar[int] = 300
    """Free disk space an installation wants."""

    def __init__(self, name: str, layout: Layout) -> None:
        """See class."""
        self.name = name
        self.layout = layout

    @property
    @abstractmethod
    def target(self) -> Path:
        """The folder in the cache."""

    @property
    @abstractmethod
    def proof(self) -> Path:
        """A file that is there when the tool is."""

    @property
    @abstractmethod
    def version(self) -> str:
        """The pinned version."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Tools to install before this one."""
        return ()

    def ready(self) -> bool:
        """Tell whether nothing is left to do."""
        return self.proof.exists()

    def adopt(self) -> Path | None:
        """Return a program on PATH that suits, if there is one."""
        return None

    @abstractmethod
    def fill(self, draft: Path, runner: Runner, say: Say) -> None:
        """Put everything into an empty folder on the cache's disk."""


def log_beside(draft: Path) -> Path:
    """Return where the output of an installation goes; it stays after a failure."""
    return draft.with_name(f"{draft.name}.log")
