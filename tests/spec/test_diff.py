"""Differences between settings name the place a person would name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.diff import Change, changes


def task(key: str, **fields: Any) -> dict[str, Any]:
    return {"task_key": key, "max_retries": 0, **fields}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"name": "a"}, {"name": "a"}, []),
        ({"name": "a"}, {"name": "b"}, [("name", "a", "b")]),
        ({}, {"queue": {"enabled": True}}, [("queue", None, {"enabled": True})]),
        ({"timeout_seconds": 5}, {}, [("timeout_seconds", 5, None)]),
        ({"tags": {"a.b": "1"}}, {"tags": {"a.b": "2"}}, [('tags["a.b"]', "1", "2")]),
        ({"x": 1}, {"x": True}, [("x", 1, True)]),
        ({"x": {"p": [1, 2]}}, {"x": {"p": [1, 3]}}, [("x.p", [1, 2], [1, 3])]),
        (
            {"parameters": [{"name": "m", "default": "1"}]},
            {"parameters": [{"name": "m", "default": "2"}]},
            [("parameters[m].default", "1", "2")],
        ),
        # A name used twice names nothing: the list is one value.
        (
            {"l": [{"name": "m"}, {"name": "m"}]},
            {"l": [{"name": "m"}]},
            [("l", [{"name": "m"}, {"name": "m"}], [{"name": "m"}])],
        ),
    ],
)
def test_a_change_is_told_by_its_place(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, Any, Any]]
) -> None:
    assert changes(before, after) == [
        Change(path=path, before=old, after=new) for path, old, new in expected
    ]


def test_tasks_are_matched_by_key_not_by_place() -> None:
    before = {"tasks": [task("a"), task("b", spark={"conf": {"k": "1"}}), task("c")]}
    after = {"tasks": [task("new"), task("a"), task("b", spark={"conf": {"k": "2"}})]}
    assert changes(before, after) == [
        Change(path="tasks[b].spark.conf.k", before="1", after="2"),
        Change(path="tasks[c]", before=task("c"), after=None),
        Change(path="tasks[new]", before=None, after=task("new")),
    ]


def test_tasks_that_only_changed_places_are_one_change() -> None:
    before, after = {"tasks": [task("a"), task("b")]}, {"tasks": [task("b"), task("a")]}
    assert changes(before, after) == [Change(path="tasks", before=["a", "b"], after=["b", "a"])]


json_values = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", "c.d"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "x", "y.z"]), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["tasks", "p", "q r"]), json_values)


@given(objects, objects)
def test_only_equal_settings_have_no_changes(before: Any, after: Any) -> None:
    assert changes(before, before) == []
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (changes(before, after) == []) == same


@given(objects, objects)
def test_the_way_back_is_the_way_there_reversed(before: Any, after: Any) -> None:
    there = {(each.path, repr(each.before), repr(each.after)) for each in changes(before, after)}
    back = {(each.path, repr(each.after), repr(each.before)) for each in changes(after, before)}
    assert there == back
