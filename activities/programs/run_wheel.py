"""Calls an entry point of an installed package, as a wheel task names it.

Started as `python run_wheel.py PACKAGE ENTRY_POINT ARGUMENT…`; imports nothing of OpenLake's own.
The entry point is one of the package's metadata (console scripts first, then any group), else the
function `PACKAGE.ENTRY_POINT`. It finds the arguments in `sys.argv`, from 1.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from typing import Any


class NotThere(Exception):
    """What the task names does not exist; says what does."""


def main(package: str, name: str) -> int:
    """Call the entry point; return the exit code."""
    try:
        script, function = find(package, name)
    except NotThere as error:
        print(f"NotThere: {error}", file=sys.stderr)
        return 1
    sys.argv = [name, *sys.argv[3:]]
    result = function()
    # A console script's number is its exit code; what other functions return is their own affair.
    if script and isinstance(result, int):
        return int(result)
    return 0


def find(package: str, name: str) -> tuple[bool, Callable[[], Any]]:
    """Return whether it is a console script, and the function.

    Raises:
        NotThere: the package has no such entry point and no such function.
    """
    points = _entry_points(package)
    named = [point for point in points if point.name == name]
    if named:
        chosen = min(named, key=lambda point: point.group != "console_scripts")
        return chosen.group == "console_scripts", chosen.load()
    module = package.replace("-", "_")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        found = None
    if callable(found):
        return False, found
    known = ", ".join(sorted({point.name for point in points})) or "none"
    raise NotThere(
        f"the package '{package}' has no entry point and no function '{name}' (its entry points:"
        f" {known}); list the wheel under 'libraries', or among the environment's 'dependencies'"
    )


def _entry_points(package: str) -> list[EntryPoint]:
    try:
        return list(distribution(package).entry_points)
    except PackageNotFoundError:
        return []


if __name__ == "__main__":
    # As for an installed script: the folder of this file is not the user's to import from.
    sys.path.pop(0)
    sys.exit(main(sys.argv[1], sys.argv[2]))
