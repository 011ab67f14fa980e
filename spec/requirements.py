"""Reads lines of requirements files, as environments and libraries of a job hold them; pure."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

_INCLUDE = re.compile(r"(?:-r|--requirement)(?:\s*=\s*|\s+)?(?P<path>\S+)$")
_WHEEL = re.compile(
    r"(?:(?P<name>[A-Za-z0-9._-]+)\s*@\s*)?"
    # A folder may be named by an e-mail address.
    r"(?P<path>(?:[/.][^\s;\[]*|[^\s;\[@]+)\.whl)"
    r"(?P<extras>\[[^\]]*\])?(?P<marker>\s*;.*)?$"
)
_REFUSED = {
    "-e": "installs what cannot be pinned with a run; build a wheel and name it",
    "--editable": "installs what cannot be pinned with a run; build a wheel and name it",
    "-c": "constraints are not supported; write the versions into the requirements",
    "--constraint": "constraints are not supported; write the versions into the requirements",
}


class Requirement(NamedTuple):
    """One line."""

    kind: Literal["include", "wheel", "plain"]
    text: str
    """Of `plain`: what uv gets."""
    path: str = ""
    """The file that is named."""
    rest: str = ""
    """Of a wheel: its extras and marker."""


def lines_of(text: str) -> list[str]:
    """Return the lines of a requirements file, without comments and with continuations joined."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def read_line(line: str) -> Requirement:
    """Read one line.

    Raises:
        ValueError: what it asks for is not supported; says what to do instead.
    """
    line = line.strip()
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    for name, reason in _REFUSED.items():
        if option == name or (len(name) == 2 and option.startswith(name)):
            raise ValueError(f"'{line}' is not supported: {reason}")
    if (include := _INCLUDE.match(line)) is not None:
        return Requirement("include", line, include["path"])
    if line.startswith("-"):
        return Requirement("plain", line)
    if "file:" in line:
        raise ValueError(f"'{line}' names a file of a machine; write the workspace path of a wheel")
    wheel = _WHEEL.match(line)
    if wheel is not None and "://" not in wheel["path"]:
        return Requirement(
            "wheel", line, wheel["path"], (wheel["extras"] or "") + (wheel["marker"] or "")
        )
    if line.startswith(("/", "./", "../", "dbfs:")):
        raise ValueError(f"'{line}' is no wheel; build a wheel (.whl) and name that")
    return Requirement("plain", line)


def check_lines(lines: Sequence[str]) -> None:
    """Raise for the first line that is not supported.

    Raises:
        ValueError: says why and what to do.
    """
    for text in lines:
        for line in lines_of(text):
            read_line(line)
