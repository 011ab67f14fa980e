"""YAML as a tree that remembers where every key and value stands.

Scalars are those of YAML 1.2's core schema (`yes` is text; a date stays text). Anchors, aliases and
merge keys (`<<`) work within bounds, so that a small file cannot grow into a huge tree.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from spec.errors import Problem

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_ALIASES = 200
MAX_NODES = 100_000
"""Counted after aliases have been put in place."""

Scalar = str | int | float | bool | None

_PLAIN = ("null", "bool", "int", "float", "str")
_MERGE = "tag:yaml.org,2002:merge"


class Mark(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value with its place. Treated as immutable: change by making another."""

    value: "Scalar | list[Node] | dict[str, Node]"
    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict[str, Mark])
    """Of a mapping: where each key stands."""
    written: str | None = None
    """What the file says, where `value` came about by filling in `${…}`."""

    @classmethod
    def of(cls, value: JsonValue, mark: Mark) -> "Node":
        """Return a tree of plain data, all of it at one place."""
        if isinstance(value, dict):
            entries = {key: cls.of(inner, mark) for key, inner in value.items()}
            return cls(entries, mark, dict.fromkeys(entries, mark))
        if isinstance(value, list):
            return cls([cls.of(inner, mark) for inner in value], mark)
        return cls(value, mark)

    def get(self, *path: str) -> "Node | None":
        """Return the node under these keys; None when there is none."""
        node: Node | None = self
        for key in path:
            if node is None or not isinstance(node.value, dict):
                return None
            node = node.value.get(key)
        return node

    def items(self) -> "list[tuple[str, Node]]":
        """Return a mapping's entries; [] for anything else."""
        return list(self.value.items()) if isinstance(self.value, dict) else []

    def elements(self) -> "list[Node]":
        """Return a sequence's elements; [] for anything else."""
        return self.value if isinstance(self.value, list) else []

    def text(self) -> str | None:
        """Return the value if it is text."""
        return self.value if isinstance(self.value, str) else None

    def put(self, key: str, node: "Node", mark: Mark | None = None) -> "Node":
        """Return this mapping with one entry set; `mark` is the key's place if it is new."""
        keys = self.keys if mark is None else {**self.keys, key: mark}
        return Node({**dict(self.items()), key: node}, self.mark, keys)

    def put_at(self, path: tuple[int | str, ...], node: "Node") -> "Node":
        """Return this tree with the node at an existing path replaced."""
        if not path:
            return node
        step, rest = path[0], path[1:]
        inner = self.child(step)
        if inner is None:
            return self
        if isinstance(self.value, list) and isinstance(step, int):
            elements = list(self.value)
            elements[step] = inner.put_at(rest, node)
            return Node(elements, self.mark)
        return self.put(str(step), inner.put_at(rest, node))

    def plain(self) -> JsonValue:
        """Return the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: "tuple[int | str, ...]") -> "Node | None":
        """Return the node that this path leads to; None when it leads nowhere."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node is not None else None
        return node

    def mark_at(self, path: tuple[int | str, ...], *, key: bool = False) -> Mark:
        """Return where the value (or its key) at this path stands, or the nearest thing above."""
        node = self
        for i, step in enumerate(path):
            if key and i == len(path) - 1:
                return node.keys.get(str(step), node.mark)
            inner = node.child(step)
            if inner is None:
                return node.mark
            node = inner
        return node.mark

    def child(self, step: int | str) -> "Node | None":
        """Return the element or entry named by one step of a path."""
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document.

    Returns:
        The tree (None when the text cannot be read at all or holds nothing) and what is wrong with
        it: bad syntax ends the reading; duplicate keys and odd values do not.
    """
    size = len(text.encode())
    if size > MAX_BYTES:
        message = f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read"
        return None, [Problem(file, 1, 1, "", message)]
    try:
        refusal = _refusal(text, file)
        if refusal is not None:
            return None, [refusal]
        root: Any = _yaml().compose(text)
    except MarkedYAMLError as error:
        return None, [_syntax_problem(cast(Any, error), file)]
    except YAMLError as error:
        what = str(error).splitlines()[0]
        return None, [Problem(file, 1, 1, "", f"this is not YAML: {what}; correct the text")]
    reader = _Reader(file)
    return (reader.node(root, ()) if root is not None else None), reader.problems


def _yaml() -> Any:
    # A reader keeps state, so each text gets its own. Untyped in the library.
    return YAML(typ="safe", pure=True)


def _refusal(text: str, file: str) -> Problem | None:
    """Look over the flat stream of events before anything recursive touches the text."""
    depth = aliases = 0
    for number, event in enumerate(_yaml().parse(text)):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        aliases += isinstance(event, AliasEvent)
        reason = None
        if depth > MAX_DEPTH:
            reason = f"nested more than {MAX_DEPTH} levels deep; make it flatter"
        elif aliases > MAX_ALIASES:
            reason = f"more than {MAX_ALIASES} aliases (*name); write the values out"
        elif number > 2 * MAX_NODES:
            reason = f"more than {MAX_NODES:,} values; split the file"
        if reason is not None:
            mark = _mark(event, file)
            return Problem(*mark, "", reason)
    return None


def _mark(thing: Any, file: str) -> Mark:
    return Mark(file, thing.start_mark.line + 1, thing.start_mark.column + 1)


def _syntax_problem(error: Any, file: str) -> Problem:
    place = error.problem_mark or error.context_mark
    line, column = (place.line + 1, place.column + 1) if place is not None else (1, 1)
    what = ", ".join(str(part) for part in (error.context, error.problem) if part)
    hint = "correct the YAML syntax here or just above"
    if error.problem and "\\t" in error.problem:
        hint = "indent with spaces, not tabs"
    if error.problem and "another document" in error.problem:
        hint = "keep one document in a file (no second '---')"
    return Problem(file, line, column, "", f"{what}; {hint}")


class _Reader:
    """Turns the library's nodes into ours; collects problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._construct = _yaml().constructor.construct_object
        self._budget = MAX_NODES
        self._too_large = False

    def node(self, raw: Any, path: tuple[int | str, ...]) -> Node:
        mark = _mark(raw, self.file)
        self._budget -= 1
        if self._budget < 0 or len(path) > MAX_DEPTH:
            if not self._too_large:
                self._too_large = True
                self._problem(mark, path[:3], "aliases make this file too large; write values out")
            return Node(None, mark)
        if raw.id == "mapping":
            return self._mapping(raw, path, mark)
        if raw.id == "sequence":
            elements: list[Any] = raw.value
            inner = [self.node(element, (*path, i)) for i, element in enumerate(elements)]
            return Node(inner, mark)
        return Node(self._scalar(raw, path, mark), mark)

    def _mapping(self, raw: Any, path: tuple[int | str, ...], mark: Mark) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        merged: list[Node] = []
        for raw_key, raw_value in raw.value:
            place = _mark(raw_key, self.file)
            if raw_key.tag == _MERGE:
                value = self.node(raw_value, path)
                merged += value.elements() if isinstance(value.value, list) else [value]
                continue
            if raw_key.id != "scalar":
                self._problem(place, path, "a key must be plain text; put quotes around it")
                continue
            key = str(raw_key.value)
            value = self.node(raw_value, (*path, key))
            if key in entries:
                first = keys[key]
                self._problem(
                    place,
                    (*path, key),
                    f"the key '{key}' stands here for the second time (first in line {first.line});"
                    " remove one of them",
                )
                continue
            entries[key], keys[key] = value, place
        for source in merged:
            if not isinstance(source.value, dict):
                self._problem(source.mark, (*path, "<<"), "'<<' takes a mapping; name one here")
            for key, value in source.items():
                if key not in entries:
                    entries[key], keys[key] = value, source.keys[key]
        return Node(entries, mark, keys)

    def _scalar(self, raw: Any, path: tuple[int | str, ...], mark: Mark) -> Scalar:
        kind = str(raw.tag).rpartition(":")[2]
        if kind in ("timestamp", "value", "merge"):
            return str(raw.value)
        if kind not in _PLAIN or not str(raw.tag).startswith("tag:yaml.org,2002:"):
            self._problem(mark, path, f"the tag '{raw.tag}' is not known here; remove it")
            return None
        try:
            value: Scalar = self._construct(raw, deep=True)
        except (YAMLError, ValueError) as error:
            what = str(error).splitlines()[0]
            self._problem(
                mark, path, f"'{raw.value}' cannot be read ({what}); put quotes around it"
            )
            return None
        return value

    def _problem(self, mark: Mark, path: tuple[int | str, ...], message: str) -> None:
        self.problems.append(Problem(*mark, spell(path), message))


def spell(path: tuple[int | str, ...]) -> str:
    """Spell a path as people write it: `tasks[2].sql_task.file`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
