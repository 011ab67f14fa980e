"""Loads a command's module only when that command runs, so that help is instant."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from spec.errors import OpenLakeError


@dataclass(frozen=True)
class Lazy:
    """Where a command lives and what help says of it."""

    target: str
    """`module:attribute`, of a function or of a Typer with commands of its own."""
    help: str
    panel: str


class LazyGroup(TyperGroup):
    """A group whose commands are a table of names; errors of the house become one sentence."""

    table: ClassVar[dict[str, Lazy]] = {}
    _listing: bool = False

    def list_commands(self, ctx: Any) -> list[str]:
        """See base class."""
        return [name for name, lazy in self.table.items() if _exists(lazy)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """See base class."""
        lazy = self.table.get(cmd_name)
        if lazy is None or not _exists(lazy):
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=lazy.help, rich_help_panel=lazy.panel)
        return _load(cmd_name, lazy)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """See base class."""
        self._listing = True
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        """See base class."""
        try:
            return super().invoke(ctx)
        except OpenLakeError as error:
            from control.cli.output import say_error

            say_error(error.message)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _exists(lazy: Lazy) -> bool:
    return find_spec(lazy.target.partition(":")[0]) is not None


def _load(name: str, lazy: Lazy) -> Any:
    module, _, attribute = lazy.target.partition(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        function = target
        target = typer.Typer(add_completion=False, rich_markup_mode="rich")
        target.command(name)(function)
    command = get_command(target)
    command.name = name
    return command
