"""Cluster policies: rules about the attributes of a cluster, in Databricks' definition language.

A definition is a JSON object, attribute path → rule, given as text. Paths, types and the meaning of
a missing attribute are Databricks' ("Compute policy reference"). Pure; the control plane asks here
when a job is made, and again when a run is admitted.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, cast

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from spec.compute import RUNTIMES, ClusterSpec
from spec.model import Model
from spec.patterns import check_pattern, matches

MOST_BYTES = 64 * 1024
"""Of a definition."""
MOST_RULES = 500

Scalar = bool | int | float | str
Cluster = Mapping[str, Any]
"""A cluster's attributes as they are posted; those that were not given are missing or None."""
Values = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=1000)]


class _Rule(Model):
    hidden: bool = False
    """Whether forms show the attribute; of no effect on what is allowed."""


class Fixed(_Rule):
    """The attribute has this value; it is filled in where it is not given."""

    type: Literal["fixed"]
    value: Scalar


class Forbidden(_Rule):
    """The attribute must not be given."""

    type: Literal["forbidden"]


class _Limit(_Rule):
    """A rule that limits; the attribute has to be given unless `isOptional`."""

    default_value: Scalar | None = Field(default=None, alias="defaultValue")
    """Filled in for clusters that ask for it with `apply_policy_default_values`."""
    is_optional: bool = Field(default=False, alias="isOptional")


class Allowed(_Limit):
    """One of these values."""

    type: Literal["allowlist"]
    values: Values


class Blocked(_Limit):
    """None of these values."""

    type: Literal["blocklist"]
    values: Values


class Matching(_Limit):
    """A text that matches the pattern as a whole."""

    type: Literal["regex"]
    pattern: str = Field(max_length=1000)

    @model_validator(mode="after")
    def _safe(self) -> "Matching":
        check_pattern(self.pattern)
        return self


class Within(_Limit):
    """A number within bounds, which belong to it."""

    type: Literal["range"]
    min_value: float | None = Field(default=None, alias="minValue", allow_inf_nan=False)
    max_value: float | None = Field(default=None, alias="maxValue", allow_inf_nan=False)

    @model_validator(mode="after")
    def _bounded(self) -> "Within":
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError("a range has a minValue, a maxValue, or both")
        if low is not None and high is not None and low > high:
            raise ValueError(f"minValue {spell(low)} is greater than maxValue {spell(high)}")
        return self


class Unlimited(_Limit):
    """Any value."""

    type: Literal["unlimited"]


Rule = Annotated[
    Fixed | Forbidden | Allowed | Blocked | Matching | Within | Unlimited,
    Field(discriminator="type"),
]
Policy = Mapping[str, Rule]
"""Attribute path → rule, in the definition's order."""

_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_MAPS = frozenset(("spark_conf", "spark_env_vars", "custom_tags"))
"""Attributes whose members may have dots in their names."""
_NESTED = frozenset(("autoscale", "aws_attributes", "azure_attributes", "gcp_attributes"))
_VIRTUAL: Cluster = {"cluster_type": "job", "dbus_per_hour": 0}
"""What no cluster says of itself: there are job clusters only, and nothing is billed."""
_ABSENT = frozenset(
    (
        "cluster_log_conf",
        "docker_image",
        "driver_node_type_flexibility",
        "init_scripts",
        "remote_disk_throughput",
        "ssh_public_keys",
        "total_initial_remote_disk_size",
        "worker_node_type_flexibility",
        "workload_type",
    )
)
"""Attributes of Databricks' clusters that are refused here, so no cluster ever has one."""
_OWN = frozenset(ClusterSpec.model_fields) - {"policy_id", "apply_policy_default_values"}
_AUTO = "auto:"
"""`auto:latest` and the like, which stand for the newest runtime; there is one."""


class Violation(NamedTuple):
    """An attribute that a policy does not allow."""

    path: str
    rule: str
    """What it must be, and what it is."""

    def __str__(self) -> str:
        """Spell it for a message."""
        return f"{self.path} {self.rule}"


def parse(definition: str) -> Policy:
    """Read a definition.

    Raises:
        ValueError: it is no policy, or no cluster here could ever follow it; says every mistake.
    """
    if len(definition.encode()) > MOST_BYTES:
        raise ValueError(f"a definition has at most {MOST_BYTES // 1024} KiB")
    try:
        given: Any = json.loads(definition, object_pairs_hook=_once)
    except ValueError as error:
        raise ValueError(f"the definition is not valid JSON: {error}") from None
    except RecursionError:
        raise ValueError("the definition is nested too deeply") from None
    if not isinstance(given, dict):
        raise ValueError("the definition is not a JSON object of attribute paths and their rules")
    rules = cast(dict[str, Any], given)
    if len(rules) > MOST_RULES:
        raise ValueError(f"a definition has at most {MOST_RULES} rules")
    policy: dict[str, Rule] = {}
    problems: list[str] = []
    for path, body in rules.items():
        try:
            policy[path] = _read(path, body)
        except ValueError as error:
            problems.append(f"{path}: {error}")
    if problems:
        raise ValueError("; ".join(problems))
    _check_possible(policy)
    return policy


def _check_possible(policy: Policy) -> None:
    try:
        ClusterSpec.model_validate(fill(policy, {}, defaults=True))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])
        why = f"{place}: {_plain(wrong['msg'])}" if place else _plain(wrong["msg"])
        raise ValueError(f"no cluster could be as the policy makes it; {why}") from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(n for n in names if names.count(n) > 1)}' stands in it twice")
    return read


def _read(path: str, body: Any) -> Rule:
    root = _check_path(path)
    try:
        rule = _RULE.validate_python(body)
    except ValidationError as error:
        raise ValueError(_reason(error, body)) from None
    must_be_given = isinstance(rule, Fixed) or (isinstance(rule, _Limit) and not rule.is_optional)
    if root in _ABSENT and must_be_given:
        raise ValueError("clusters have no such attribute here, so no cluster could follow this")
    default = rule.default_value if isinstance(rule, _Limit) else None
    if default is not None and (wrong := _wrong(rule, path, default)):
        raise ValueError(f"the defaultValue {wrong}")
    return rule


def _check_path(path: str) -> str:
    """Return the first part of a path.

    Raises:
        ValueError: clusters have no such attribute.
    """
    root, dot, rest = path.partition(".")
    if root in _ABSENT or path in _VIRTUAL:
        return root
    if root not in _OWN:
        known = ", ".join(sorted({*_OWN, *_VIRTUAL, *_ABSENT}))
        raise ValueError(f"clusters have no attribute '{root}'; there are {known}")
    if root in _MAPS | _NESTED:
        if not rest:
            raise ValueError(f"name what of '{root}' is meant, as in '{root}.<name>'")
    elif dot:
        raise ValueError(f"'{root}' is one value, it has no '{rest}'")
    return root


def _reason(error: ValidationError, body: Any) -> str:
    if not isinstance(body, dict) or "type" not in body:
        return 'a rule is an object with a \'type\', such as {"type": "fixed", "value": 1}'
    told: list[str] = []
    for mistake in error.errors(include_url=False):
        # The first place is the rule's type, by which the kind of rule was chosen.
        place = ".".join(str(part) for part in mistake["loc"][1:])
        text = _plain(mistake["msg"])
        told.append(f"{place}: {text}" if place else text)
    return ", ".join(dict.fromkeys(told))


def fill(policy: Policy, cluster: Cluster, *, defaults: bool) -> dict[str, Any]:
    """Return a cluster with what its policy fixes; what it says itself stays.

    Args:
        policy: The policy.
        cluster: The cluster.
        defaults: Fill in default values too.
    """
    filled = dict(cluster)
    for path, rule in policy.items():
        value = rule.value if isinstance(rule, Fixed) else None
        if value is None and defaults and isinstance(rule, _Limit):
            value = rule.default_value
        if value is not None and path not in _VIRTUAL and _value(filled, path) is None:
            _put(filled, list(_parts(path)), value)
    return filled


def violations(policy: Policy, cluster: Cluster) -> tuple[Violation, ...]:
    """Return everything that a policy does not allow of a cluster, in the policy's order."""
    found = ((path, _violated(rule, path, _value(cluster, path))) for path, rule in policy.items())
    return tuple(Violation(path, why) for path, why in found if why is not None)


def _violated(rule: Rule, path: str, value: Any) -> str | None:
    if isinstance(rule, Forbidden):
        return None if value is None else f"must not be given, it is {spell(value)}"
    if value is not None:
        return _wrong(rule, path, value)
    if isinstance(rule, Fixed):
        return f"must be {spell(rule.value)}, it is not given"
    return None if rule.is_optional else f"must be given{_wanted(rule)}"


def _wanted(rule: Rule) -> str:
    match rule:
        case Fixed():
            return f" and be {spell(rule.value)}"
        case Allowed():
            return f" and be one of {_listed(rule.values)}"
        case Blocked():
            return f" and be none of {_listed(rule.values)}"
        case Matching():
            return f" and match '{rule.pattern}'"
        case Within():
            return f" and be {_bounds(rule)}"
        case Forbidden() | Unlimited():
            return ""


def _wrong(rule: Rule, path: str, value: Any) -> str | None:
    """Return what is wrong with a value that was given."""
    if _follows(rule, path, value):
        return None
    wanted = _wanted(rule).removeprefix(" and ")
    return f"must {wanted}, it is {spell(value)}"


def _follows(rule: Rule, path: str, value: Any) -> bool:
    match rule:
        case Fixed():
            return _same(path, value, rule.value)
        case Allowed():
            return any(_same(path, value, each) for each in rule.values)
        case Blocked():
            return not any(_same(path, value, each) for each in rule.values)
        case Matching():
            return matches(rule.pattern, spell(value))
        case Within():
            number = _number(value)
            return number is not None and _is_within(rule, number)
        case Forbidden():
            return False
        case Unlimited():
            return True


def _same(path: str, value: Any, wanted: Scalar) -> bool:
    mine, other = spell(value), spell(wanted)
    if path == "spark_version" and other.startswith(_AUTO):
        return mine.startswith(_AUTO) or mine in RUNTIMES
    return mine == other


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is_within(rule: Within, number: float) -> bool:
    # Whatever is no number at all (NaN) is within no bounds.
    above = rule.min_value is None or number >= rule.min_value
    return number == number and above and (rule.max_value is None or number <= rule.max_value)


def _bounds(rule: Within) -> str:
    bounds = [("at least", rule.min_value), ("at most", rule.max_value)]
    return " and ".join(f"{words} {spell(bound)}" for words, bound in bounds if bound is not None)


def _listed(values: tuple[Scalar, ...]) -> str:
    return ", ".join(spell(value) for value in values)


def spell(value: Any) -> str:
    """Return a value as text; `1`, `1.0` and `"1"` are the same, so are `true` and `"true"`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _parts(path: str) -> Iterator[str]:
    root, _, rest = path.partition(".")
    yield root
    if root in _MAPS:
        yield rest
    elif rest:
        yield from rest.split(".")


def _value(cluster: Cluster, path: str) -> Any:
    """Return what a cluster says at a path; None for nothing."""
    if path in _VIRTUAL:
        return _VIRTUAL[path]
    found: Any = cluster
    for part in _parts(path):
        if not isinstance(found, Mapping):
            return None
        found = cast(Mapping[str, Any], found).get(part)
    return found


def _put(cluster: dict[str, Any], parts: list[str], value: Scalar) -> None:
    """Write a value at a path, into copies of what lies on the way."""
    first, *rest = parts
    if not rest:
        cluster[first] = value
        return
    inner = cluster.get(first)
    copied: dict[str, Any] = (
        dict(cast(Mapping[str, Any], inner)) if isinstance(inner, Mapping) else {}
    )
    cluster[first] = copied
    _put(copied, rest, value)
