"""Filling in a bundle's `${…}` references, with the places of what cannot be filled in."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from spec.errors import Problem
from spec.problems import Path, shown
from spec.yaml_lines import MAX_NODES, Mark, Node, spell

MAX_TEXT = 100_000
"""Characters of one text after filling in: references to references could double it for ever."""

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
        self.unfilled: set[Mark] = set()
        """Where text was left as written; what else is wrong there follows from that."""
        self._values = values
        self._broken = set(broken)
        self._filled: dict[str, Node] = {}
        self._open: list[str] = []
        self._sizes: dict[str, int] = {}
        self._size = 0
        self._too_large = False

    def fill(self, node: Node, path: Path) -> Node:
        """Return the tree under `path` with every reference filled in.

        What cannot be filled in stays as written and adds to `problems`.
        """
        self._size += 1
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
        whole = _REFERENCE.fullmatch(text)
        reasons = [self._reason_against(match[0]) for match in _ANY.finditer(text)]
        names = [match[1] for match in _REFERENCE.finditer(text)]
        values = {name: found for name in names if (found := self._value(name)) is not None}
        for name, found in values.items():
            if whole is None and isinstance(found.value, dict | list):
                what = f"is {shown(found.value)} and must stand alone, not inside text"
                reasons.append(f"'${{{name}}}' {what}")
        if sum(len(_as_text(values[name])) for name in names if name in values) > MAX_TEXT:
            reasons.append(f"this grows beyond {MAX_TEXT:,} characters; write it shorter")
        self._size += sum(self._sizes.get(name, 0) for name in names)
        if self._size > MAX_NODES and not self._too_large:
            self._too_large = True
            reasons.append(f"the bundle grows beyond {MAX_NODES:,} values; use fewer references")
        for reason in filter(None, reasons):
            self.problems.append(Problem(*node.mark, spell(path), reason))
        if any(reasons) or self._size > MAX_NODES or len(values) < len(set(names)):
            self.unfilled.add(node.mark)
            return node
        if whole is None:
            filled = _REFERENCE.sub(lambda match: _as_text(values[match[1]]), text)
            return Node(filled, node.mark, written=text)
        found = values[whole[1]]
        if isinstance(found.value, dict | list):
            return found
        return Node(found.value, node.mark, written=text)

    def _reason_against(self, reference: str) -> str | None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return f"'{reference}' is not a reference; write ${{var.name}} or ${{bundle.name}}"
        name = match[1]
        if name in self._broken or name in self._values:
            return None
        near = get_close_matches(name, self._values, n=1, cutoff=0.8)
        hint = f"did you mean '${{{near[0]}}}'?" if near else self._known()
        return f"'{reference}' is unknown; {hint}"

    def _known(self) -> str:
        return f"known are {', '.join(f'${{{name}}}' for name in sorted(self._values))}"

    def _value(self, name: str) -> Node | None:
        if name in self._filled:
            return self._filled[name]
        if name in self._broken or name not in self._values:
            return None
        raw = self._values[name]
        if name in self._open:
            around = " → ".join((*self._open[self._open.index(name) :], name))
            what = f"refers to itself: {around}; give one of them a value of its own"
            self.problems.append(Problem(*raw.mark, name, what))
            self._broken.add(name)
            return None
        self._open.append(name)
        problems, size = len(self.problems), self._size
        filled = self.fill(raw, tuple(name.split(".")))
        self._open.pop()
        if len(self.problems) > problems or name in self._broken or self._size > MAX_NODES:
            self._broken.add(name)
            return None
        self._filled[name] = filled
        self._sizes[name] = self._size - size
        return filled


def _as_text(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return "" if node.value is None or isinstance(node.value, dict | list) else str(node.value)
