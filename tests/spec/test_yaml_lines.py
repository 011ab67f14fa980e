"""YAML with places."""

import time

import pytest

from spec import yaml_lines
from spec.yaml_lines import MAX_DEPTH, Node, parse, spell


def read(text: str) -> Node:
    """Parse text that must be sound."""
    node, problems = parse(text, "f.yml")
    assert not problems and node is not None
    return node


def messages(text: str) -> list[str]:
    """Return what is wrong with a text."""
    return [str(problem) for problem in parse(text, "f.yml")[1]]


def test_every_key_and_value_knows_its_place():
    node = read("a:\n  b: [1, x]\n")
    assert node.keys["a"][1:] == (1, 1)
    assert node.mark_at(("a", "b"))[1:] == (2, 6)
    assert node.mark_at(("a", "b", 1))[1:] == (2, 10)
    assert node.mark_at(("a", "b"), key=True)[1:] == (2, 3)
    assert node.mark_at(("a", "missing"))[1:] == (2, 3), "the mapping that lacks it"


def test_scalars_are_those_of_yaml_1_2():
    node = read("{a: yes, b: 1_0, c: 0o17, d: ~, e: 2026-01-02, f: true, g: '1', h: 1.5, i: 012}")
    assert node.plain() == {
        "a": "yes",
        "b": 10,
        "c": 15,
        "d": None,
        "e": "2026-01-02",
        "f": True,
        "g": "1",
        "h": 1.5,
        "i": 12,
    }


def test_anchors_and_merge_keys_work():
    text = "x: &x {p: 1, q: 2}\ny: {<<: *x, q: 3}\nz: {<<: [*x, {r: 4, p: 9}]}\n"
    plain = read(text).plain()
    assert isinstance(plain, dict)
    assert plain["y"] == {"p": 1, "q": 3}
    assert plain["z"] == {"p": 1, "q": 2, "r": 4}


def test_windows_line_ends_and_byte_order_mark():
    node = read("\ufeffa: 1\r\nb: 2\r\n")
    assert node.plain() == {"a": 1, "b": 2}
    assert node.keys["b"].line == 2


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_empty_text_is_nothing(text: str):
    node, problems = parse(text, "f.yml")
    assert not problems
    assert node is None or node.value is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yml:3:1: a: the key 'a' stands here for the second time (first"),
        ("a: {b: 1, b: 2}", "f.yml:1:11: a.b: the key 'b' stands"),
        ("a: [1\nb: 2", "correct the YAML syntax"),
        ("a: 'x\n", "f.yml:2:1: while scanning a quoted scalar"),
        ("a: b: c", "f.yml:1:5: mapping values are not allowed here"),
        ("a:\n\tb: 1", "indent with spaces"),
        ("a: *x", "f.yml:1:4: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", "keep one document"),
        ("a: !python/object:os.system x", "f.yml:1:4: a: the tag '!python/object:os.system'"),
        ("a: !!binary x", "the tag 'tag:yaml.org,2002:binary' is not known"),
        ("a: !!int x", "'x' cannot be read"),
        ("? [a, b]\n: 1", "f.yml:1:3: a key must be plain text"),
        ("<<: 3", "'<<' takes a mapping"),
        ("a: \x00", "this is not YAML"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, said: str):
    assert any(said in message for message in messages(text)), messages(text)


def test_all_duplicates_are_told_at_once():
    assert len(messages("a: 1\na: 2\nb: {c: 1, c: 2, c: 3}\n")) == 3


BOMB = "l0: &l0 [x, x]\n" + "".join(
    f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 15)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases make this file too large"),
        ("a: &a [*a]", "aliases make this file too large"),
        ("a: &a x\n" + "".join(f"k{i}: *a\n" for i in range(300)), "more than 200 aliases"),
        ("[" * 50_000, f"nested more than {MAX_DEPTH} levels deep"),
        ("- x\n" * 400_000, "at most 1,000,000 are read"),
    ],
)
def test_bombs_are_refused_quickly(text: str, said: str):
    began = time.process_time()
    assert any(said in message for message in messages(text))
    assert time.process_time() - began < 5


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_lines, "MAX_NODES", 100)
    assert "more than 100 values" in messages("[" + "1," * 250 + "]")[0]


def test_paths_are_spelled_as_people_write_them():
    assert spell(("resources", "jobs", "x", "tasks", 2, "sql_task")) == (
        "resources.jobs.x.tasks[2].sql_task"
    )
    assert spell(()) == ""


def test_trees_are_changed_by_making_new_ones():
    node = read("a: {b: [1, {c: 2}]}")
    changed = node.put_at(("a", "b", 1, "c"), Node(9, node.mark))
    assert changed.plain() == {"a": {"b": [1, {"c": 9}]}}
    assert node.plain() == {"a": {"b": [1, {"c": 2}]}}
    assert node.put_at(("a", "x", "y"), Node(9, node.mark)) is not None
    assert node.get("a", "nope") is None
