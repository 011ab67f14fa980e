"""Filling in a bundle's `${…}` references, with the places of what cannot be filled in."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from spec.errors import Problem
from spec.problems import Path, shown
from spec.yaml_lines import Node, Scalar, spell

_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w-]*(?:\.[\w-]+)*)\}")
_ANY = re.compile(r"\$\{[^}]*\}?")


class Interpolation:
    """Fills `${name}` in trees; a value may itself hold references.

    A string that is one reference takes over the value with its type (and may become a list or a
    mapping); a reference inside longer text becomes text.

    Args:
        values: What each name stands for.
        broken: Names whose problem has been reported already.
    """

    def __init__(self, values: Mapping[str, Node], broken: Collection[str] = ()) -> None:
        """See class."""
        self.problems: list[Problem] = []
        self._values = values
        self._broken = set(broken)
        self._filled: dict[str, Node] = {}
        self._open: list[str] = []

    def fill(self, node: Node, path: Path) -> Node:
        """Return the tree under `path` with every reference filled in.

        What cannot be filled in stays as written and adds to `problems`.
        """
        if isinstance(node.value, dict):
            inner = {key: self.fill(each, (*path, key)) for key, each in node.value.items()}
            return Node(inner, node.mark, node.keys)
        if isinstance(node.value, list):
            return Node([self.fill(e, (*path, i)) for i, e in enumerate(node.value)], node.mark)
        if isinstance(node.value, str) and "${" in node.value:
            return self._fill_text(node, node.value, path)
        return node

    def text(self, name: str) -> str:
        """Return a value as text; "" when it has a problem, which is then in `problems`."""
        found = self._value(name)
        return str(found.value) if found is not None and found.value is not None else ""

    def _fill_text(self, node: Node, text: str, path: Path) -> Node:
        for match in _ANY.finditer(text):
            reason = self._reason_against(match[0])
            if reason is not None:
                self._problem(node, path, reason)
                return node
        whole = _REFERENCE.fullmatch(text)
        if whole is not None:
            found = self._value(whole[1])
            if found is None:
                return node
            if isinstance(found.value, dict | list):
                return found
            return Node(found.value, node.mark, written=text)
        pieces: dict[str, str] = {}
        for match in _REFERENCE.finditer(text):
            found = self._value(match[1])
            if found is None:
                return node
            if isinstance(found.value, dict | list):
                what = f"{shown(found.value)} cannot stand inside text; write '{match[0]}' alone"
                self._problem(node, path, f"'{match[0]}' is {what}")
                return node
            pieces[match[1]] = _as_text(found.value)
        filled = _REFERENCE.sub(lambda match: pieces[match[1]], text)
        return Node(filled, node.mark, written=text)

    def _reason_against(self, reference: str) -> str | None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return f"'{reference}' is not a reference; write ${{var.name}} or ${{bundle.name}}"
        name = match[1]
        if name in self._broken or name in self._values:
            return None
        near = get_close_matches(name, self._values, n=1)
        hint = f"did you mean '${{{near[0]}}}'?" if near else self._known()
        return f"'{reference}' is unknown; {hint}"

    def _known(self) -> str:
        return f"known are {', '.join(f'${{{name}}}' for name in sorted(self._values))}"

    def _value(self, name: str) -> Node | None:
        if name in self._filled:
            return self._filled[name]
        if name in self._broken:
            return None
        raw = self._values[name]
        if name in self._open:
            around = " → ".join((*self._open[self._open.index(name) :], name))
            self._problem(raw, tuple(name.split(".")), f"refers to itself: {around}")
            self._broken.add(name)
            return None
        self._open.append(name)
        before = len(self.problems)
        filled = self.fill(raw, tuple(name.split(".")))
        self._open.pop()
        if len(self.problems) > before or name in self._broken:
            self._broken.add(name)
            return None
        self._filled[name] = filled
        return filled

    def _problem(self, node: Node, path: Path, message: str) -> None:
        self.problems.append(Problem(*node.mark, spell(path), message))


def _as_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
