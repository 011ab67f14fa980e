"""What `.gitignore` files leave out; rules are those of git (gitignore(5))."""

import re
from collections.abc import Iterable, Mapping
from posixpath import dirname
from typing import NamedTuple


class Rule(NamedTuple):
    """One line of a `.gitignore`."""

    pattern: re.Pattern[str]
    """Matches paths below the folder of its file."""
    ignores: bool
    """False for a line that begins with `!`."""
    folders_only: bool


class Ignored:
    """Tells which files a tree's `.gitignore` files leave out."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Read the rules.

        Args:
            texts: Folder ("" is the root) → text of its `.gitignore`.
        """
        self._rules = {folder: list(_rules(text)) for folder, text in texts.items()}
        self._folders: dict[str, bool] = {"": False}

    def __call__(self, path: str) -> bool:
        """Tell whether a file is left out; what lies in a folder that is left out always is."""
        return self._folder(dirname(path)) or self._matches(path, is_folder=False)

    def _folder(self, path: str) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._folder(dirname(path)) or self._matches(path, is_folder=True)
            self._folders[path] = known
        return known

    def _matches(self, path: str, *, is_folder: bool) -> bool:
        ignored = False
        for base in _ancestors(path):
            inner = path[len(base) + 1 :] if base else path
            for rule in self._rules.get(base, ()):
                if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(inner):
                    ignored = rule.ignores
        return ignored


def _ancestors(path: str) -> list[str]:
    """Return the folders above a path, the root first: deeper rules go before."""
    found: list[str] = []
    while path:
        path = dirname(path)
        found.append(path)
    return found[::-1]


def _rules(text: str) -> Iterable[Rule]:
    for line in text.splitlines():
        line = re.sub(r"(?<!\\) +$", "", line)
        if not line or line.startswith("#"):
            continue
        ignores = not line.startswith("!")
        line = line.removeprefix("!")
        folders_only = line.endswith("/")
        line = line.rstrip("/")
        if line:
            yield Rule(re.compile(_expression(line)), ignores, folders_only)


def _expression(line: str) -> str:
    anchored = "/" in line
    steps = line.removeprefix("/").split("/")
    whole = "" if anchored else "(?:.*/)?"
    for i, step in enumerate(steps):
        is_last = i == len(steps) - 1
        if step == "**":
            whole += ".+" if is_last else "(?:.*/)?"
        else:
            whole += _step(step) + ("" if is_last else "/")
    return whole


def _step(text: str) -> str:
    def piece(match: re.Match[str]) -> str:
        found = match[0]
        if found == "?":
            return "[^/]"
        if found[0] == "*":
            return "[^/]*"
        if found[0] == "[":
            inner = found[1:-1].replace("\\", "\\\\")
            return "[" + re.sub(r"^!", "^", inner).replace("[", r"\[") + "]"
        return re.escape(found[1:] if found[0] == "\\" and len(found) > 1 else found)

    return re.sub(r"\*+|\?|\[!?\]?[^\]/]*\]|\\.|.", piece, text)
