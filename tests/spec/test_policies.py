"""Cluster policies: what they fill in, what they refuse, and which definitions are none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.compute import RUNTIMES, ClusterSpec
from spec.patterns import MOST_CHARACTERS, check_pattern, matches
from spec.policies import fill, parse, spell, violations

_DEFINITION = {
    "spark_version": {"type": "fixed", "value": "auto:latest-lts"},
    "spark_conf.spark.driver.memory": {"type": "fixed", "value": "2g", "hidden": True},
    "num_workers": {"type": "range", "maxValue": 4, "defaultValue": 2},
    "node_type_id": {"type": "allowlist", "values": ["small", "big"], "defaultValue": "small"},
    "driver_node_type_id": {"type": "blocklist", "values": ["gpu"], "isOptional": True},
    "custom_tags.team": {"type": "regex", "pattern": "[a-z]+-[0-9]{2}"},
    "cluster_name": {"type": "unlimited"},
    "instance_pool_id": {"type": "forbidden"},
    "aws_attributes.availability": {"type": "fixed", "value": "SPOT"},
    "autoscale.max_workers": {"type": "range", "maxValue": 8, "isOptional": True},
    "init_scripts.*.s3.destination": {"type": "forbidden", "hidden": True},
    "cluster_type": {"type": "allowlist", "values": ["job"]},
    "dbus_per_hour": {"type": "range", "maxValue": 10},
}
_GOOD = {
    "num_workers": 3,
    "node_type_id": "big",
    "custom_tags": {"team": "data-07"},
    "cluster_name": "mine",
}


def _broken(definition: dict[str, Any], cluster: dict[str, Any]) -> list[str]:
    return [str(each) for each in violations(parse(json.dumps(definition)), cluster)]


def test_what_is_fixed_is_filled_in_and_what_is_given_stays() -> None:
    policy = parse(json.dumps(_DEFINITION))
    cluster = {**_GOOD, "spark_conf": {"spark.x": "1"}}
    filled = fill(policy, cluster, defaults=False)
    assert filled == {
        **cluster,
        "spark_version": "auto:latest-lts",
        "spark_conf": {"spark.x": "1", "spark.driver.memory": "2g"},
        "aws_attributes": {"availability": "SPOT"},
    }
    assert cluster["spark_conf"] == {"spark.x": "1"}, "the cluster that was given is left alone"
    assert violations(policy, filled) == ()


def test_defaults_are_filled_in_only_when_asked_for() -> None:
    policy = parse(json.dumps(_DEFINITION))
    assert "num_workers" not in fill(policy, {}, defaults=False)
    filled = fill(policy, {"node_type_id": "big"}, defaults=True)
    assert (filled["num_workers"], filled["node_type_id"]) == (2, "big")


def test_every_violation_is_told_with_its_rule() -> None:
    cluster = {
        "spark_version": RUNTIMES[0],
        "spark_conf": {"spark.driver.memory": "64g"},
        "num_workers": 9,
        "node_type_id": "huge",
        "driver_node_type_id": "gpu",
        "custom_tags": {"team": "nobody"},
        "instance_pool_id": "p",
        "aws_attributes": {"availability": "ON_DEMAND"},
        "autoscale": {"max_workers": 9},
    }
    assert _broken(_DEFINITION, cluster) == [
        "spark_conf.spark.driver.memory must be 2g, it is 64g",
        "num_workers must be at most 4, it is 9",
        "node_type_id must be one of small, big, it is huge",
        "driver_node_type_id must be none of gpu, it is gpu",
        "custom_tags.team must match '[a-z]+-[0-9]{2}', it is nobody",
        "cluster_name must be given",
        "instance_pool_id must not be given, it is p",
        "aws_attributes.availability must be SPOT, it is ON_DEMAND",
        "autoscale.max_workers must be at most 8, it is 9",
    ]


def test_a_limited_attribute_has_to_be_given_unless_it_is_optional() -> None:
    rule = {"type": "range", "minValue": 1, "maxValue": 2}
    assert _broken({"num_workers": rule}, {}) == [
        "num_workers must be given and be at least 1 and at most 2"
    ]
    assert _broken({"num_workers": {**rule, "isOptional": True}}, {}) == []
    assert _broken({"num_workers": {"type": "fixed", "value": 1}}, {}) == [
        "num_workers must be 1, it is not given"
    ]


@pytest.mark.parametrize(
    ("wanted", "given", "same"),
    [
        (True, "true", True),
        ("4", 4, True),
        (4.0, 4, True),
        (False, "False", False),
        (1, True, False),
    ],
)
def test_values_are_compared_as_text(wanted: object, given: object, same: bool) -> None:
    definition = {"spark_conf.spark.x": {"type": "fixed", "value": wanted}}
    assert (_broken(definition, {"spark_conf": {"spark.x": given}}) == []) is same


def test_automatic_versions_stand_for_the_runtime_there_is() -> None:
    definition = {"spark_version": {"type": "allowlist", "values": ["auto:latest-lts"]}}
    for version in (*RUNTIMES, "auto:latest-lts", "auto:latest"):
        assert _broken(definition, {"spark_version": version}) == []
    assert _broken(definition, {"spark_version": "10.4.x-scala2.12"}) != []


def test_a_range_takes_no_words() -> None:
    definition = {"custom_tags.n": {"type": "range", "minValue": 1}}
    for value in ("many", "nan", "", True):
        assert _broken(definition, {"custom_tags": {"n": value}}) != [], value
    assert _broken(definition, {"custom_tags": {"n": "1.5"}}) == []


@pytest.mark.parametrize(
    ("definition", "why"),
    [
        ("", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "at most 64 KiB|nested"),
        ('{"a": 1, "a": 2}', "'a' stands in it twice"),
        ('{"nodes": {"type": "forbidden"}}', "nodes: clusters have no attribute 'nodes'"),
        ('{"spark_conf": {"type": "forbidden"}}', "name what of 'spark_conf' is meant"),
        ('{"num_workers.x": {"type": "forbidden"}}', "'num_workers' is one value"),
        ('{"num_workers": 3}', "a rule is an object with a 'type'"),
        ('{"num_workers": {"type": "exact"}}', "'exact'"),
        ('{"num_workers": {"type": "fixed"}}', "value: Field required"),
        ('{"num_workers": {"type": "fixed", "value": 1, "hide": true}}', "hide: "),
        ('{"num_workers": {"type": "range"}}', "minValue, a maxValue, or both"),
        ('{"num_workers": {"type": "range", "minValue": 3, "maxValue": 2}}', "3 is greater than"),
        ('{"num_workers": {"type": "allowlist", "values": []}}', "at least 1 item"),
        (
            '{"num_workers": {"type": "range", "maxValue": 1, "defaultValue": 2}}',
            "the defaultValue must be at most 1, it is 2",
        ),
        ('{"cluster_name": {"type": "regex", "pattern": "("}}', "no regular expression"),
        ('{"cluster_name": {"type": "regex", "pattern": "(a+)+b"}}', "say it without"),
        ('{"init_scripts.0.s3.destination": {"type": "fixed", "value": "x"}}', "no such attribute"),
        ('{"docker_image.url": {"type": "unlimited"}}', "no such attribute here"),
        ('{"num_workers": {"type": "fixed", "value": "many"}}', "no cluster could be"),
        (
            '{"spark_conf.spark.openlineage.x": {"type": "fixed", "value": "y"}}',
            "no cluster could be",
        ),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(definition: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(definition)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"nodes: .*; num_workers: "):
        parse('{"nodes": {"type": "forbidden"}, "num_workers": {"type": "range"}}')


_scalars = st.one_of(
    st.booleans(), st.integers(-100, 100), st.text(st.characters(categories=["L", "N"]), max_size=8)
)
_rules = st.one_of(
    st.builds(lambda value: {"type": "fixed", "value": value}, _scalars),
    st.just({"type": "forbidden"}),
    st.builds(
        lambda values, optional: {"type": "allowlist", "values": values, "isOptional": optional},
        st.lists(_scalars, min_size=1, max_size=4),
        st.booleans(),
    ),
    st.builds(
        lambda values, first: {
            "type": "allowlist",
            "values": [first, *values],
            "defaultValue": first,
        },
        st.lists(_scalars, max_size=3),
        _scalars,
    ),
    st.builds(
        lambda values: {"type": "blocklist", "values": values},
        st.lists(_scalars, min_size=1, max_size=4),
    ),
    st.builds(
        lambda low, size: {"type": "range", "minValue": low, "maxValue": low + size},
        st.integers(-50, 50),
        st.integers(0, 50),
    ),
    st.just({"type": "unlimited", "isOptional": True}),
)
_names = st.sampled_from(["a", "b.c", "d", "e.f.g"])
_definitions = st.dictionaries(_names.map("custom_tags.{}".format), _rules, max_size=4)
_clusters = st.builds(
    lambda tags: {"custom_tags": tags}, st.dictionaries(_names, _scalars, max_size=4)
)


@given(_definitions, _clusters, st.booleans())
def test_filling_changes_nothing_that_was_given_and_breaks_nothing(
    definition: dict[str, Any], cluster: dict[str, Any], defaults: bool
) -> None:
    policy = parse(json.dumps(definition))
    filled = fill(policy, cluster, defaults=defaults)
    for name, value in cluster["custom_tags"].items():
        assert filled["custom_tags"][name] == value
    assert fill(policy, filled, defaults=defaults) == filled
    before = {each.path for each in violations(policy, cluster)}
    after = {each.path for each in violations(policy, filled)}
    assert after <= before
    assert "fixed" not in {definition[path]["type"] for path in after} or any(
        path.removeprefix("custom_tags.") in cluster["custom_tags"] for path in after
    )


@given(_definitions, _clusters)
def test_each_rule_is_judged_by_itself(definition: dict[str, Any], cluster: dict[str, Any]) -> None:
    together = {str(each) for each in violations(parse(json.dumps(definition)), cluster)}
    alone = [
        str(each)
        for path, rule in definition.items()
        for each in violations(parse(json.dumps({path: rule})), cluster)
    ]
    assert together == set(alone)


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_refused(text: str) -> None:
    try:
        parse(text)
    except ValueError:
        return


@given(_scalars)
def test_a_value_allows_itself(value: Any) -> None:
    assert spell(value) == spell(spell(value))
    allowed = {"custom_tags.x": {"type": "allowlist", "values": [value]}}
    blocked = {"custom_tags.x": {"type": "blocklist", "values": [value]}}
    assert _broken(allowed, {"custom_tags": {"x": value}}) == []
    assert _broken(blocked, {"custom_tags": {"x": value}}) != []


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a{2,})*b", r"(a)\1", "(?P<x>a)(?P=x)", "a*a*a*a*a*b", "(?:(?:x+))+"],
)
def test_patterns_that_could_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"say it without|more than"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"i3\..+", "i3.xlarge", True),
        ("[a-z]+", "abc1", False),
        ("(dev|prod)-.*", "prod-1", True),
        (r"[^+*]+\\(x)?", "ab\\", True),
        (r"\d{4}-[0-9]{2}", "2026-01", True),
        (".*", "x" * (MOST_CHARACTERS + 1), False),
    ],
)
def test_a_pattern_matches_as_a_whole(pattern: str, text: str, fits: bool) -> None:
    check_pattern(pattern)
    assert matches(pattern, text) is fits


def test_a_cluster_has_a_pool_or_a_node_type() -> None:
    ClusterSpec(instance_pool_id="p", compute_profile="x")
    with pytest.raises(ValueError, match="a pool has its node type"):
        ClusterSpec(instance_pool_id="p", node_type_id="n")
