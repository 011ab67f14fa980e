"""How long steps tell of themselves: an interface, and the silent form that tests use."""

from typing import Protocol


class Progress(Protocol):
    """Hears of named steps from several threads; `control.cli.output` draws them."""

    def begin(self, name: str, text: str) -> None:
        """Show a new step under way."""
        ...

    def say(self, name: str, text: str) -> None:
        """Replace what the step says of itself."""
        ...

    def end(self, name: str, text: str) -> None:
        """Mark the step as done."""
        ...

    def fail(self, name: str, text: str) -> None:
        """Mark the step as failed."""
        ...


class Silent:
    """Shows nothing."""

    def begin(self, name: str, text: str) -> None:
        """See base class."""

    def say(self, name: str, text: str) -> None:
        """See base class."""

    def end(self, name: str, text: str) -> None:
        """See base class."""

    def fail(self, name: str, text: str) -> None:
        """See base class."""
