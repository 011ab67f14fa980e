"""`${resources.<kind>.<key>.<field>}`: what a bundle's resources say of each other.

A field that the file sets is known at once. An id that the server gives is there only once the
resource is made: until then a stand-in holds its place, which no real id equals. Deploying fills in
the true ids, resources that others name first.
"""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple, cast

from spec.errors import Problem
from spec.yaml_lines import Node

_FIRST = -8_800_000_000_000_000
_TEXT = "57a2d120"
"""How the stand-ins of ids that are text begin; a warehouse's has 16 hexadecimal digits."""

_SERVER_GIVES = ("jobs", "sql_warehouses", "experiments")
_FULL_NAME = ("schemas", "volumes")


class ResourceKey(NamedTuple):
    """Names one resource of a bundle: `jobs.nightly`."""

    kind: str
    key: str

    def __str__(self) -> str:
        """Spell it as people write it."""
        return f"{self.kind}.{self.key}"


StandIn = int | str
StandIns = Mapping[StandIn, ResourceKey]


def references_of(root: Node) -> tuple[dict[str, Node], dict[StandIn, ResourceKey]]:
    """Return what each reference to a resource stands for, and which of them are stand-ins."""
    known: dict[str, Node] = {}
    stand_ins: dict[StandIn, ResourceKey] = {}
    resources = root.get("resources")
    for kind, entries in resources.items() if resources is not None else []:
        for key, node in entries.items():
            at = f"resources.{kind}.{key}"
            for field, value in node.items():
                if not isinstance(value.value, dict | list):
                    known[f"{at}.{field}"] = value
            stand_in = _stand_in(kind, len(stand_ins))
            if kind in _SERVER_GIVES:
                stand_ins[stand_in] = ResourceKey(kind, key)
                known[f"{at}.id"] = Node(stand_in, node.mark)
            elif kind in _FULL_NAME:
                steps = ("catalog_name", "schema_name", "name")
                parts = [f"${{{at}.{step}}}" for step in steps if node.get(step) is not None]
                known[f"{at}.id"] = known[f"{at}.full_name"] = Node(".".join(parts), node.mark)
            elif node.get("name") is not None:
                known[f"{at}.id"] = Node(f"${{{at}.name}}", node.mark)
    return known, stand_ins


def _stand_in(kind: str, number: int) -> StandIn:
    return _FIRST - number if kind == "jobs" else f"{_TEXT}{number:08x}"


def order(
    settings: Mapping[ResourceKey, str], stand_ins: StandIns, root: Node
) -> tuple[list[ResourceKey], list[Problem]]:
    """Return the keys of all resources, those that others name first, and what is wrong.

    A resource that only names itself is fine: it is made first and completed then.

    Args:
        settings: What each resource says, as JSON; where it does not matter this order is kept.
        stand_ins: What stands for an id in it.
        root: The bundle's tree, for the place of a problem.
    """
    graph = {key: named_by(text, stand_ins) - {key} for key, text in settings.items()}
    try:
        return [key for key in TopologicalSorter(graph).static_order() if key in settings], []
    except CycleError as error:
        around = " → ".join(str(key) for key in error.args[1][::-1])
        what = f"these resources name each other's ids in a cycle: {around}; write one id out"
        return [], [Problem(*root.keys.get("resources", root.mark), "resources", what)]


def named_by(text: str, stand_ins: StandIns) -> set[ResourceKey]:
    """Return the keys of the resources whose ids a JSON text names."""
    return {key for stand_in, key in stand_ins.items() if str(stand_in) in text}


def filled(settings: Any, ids: Mapping[StandIn, StandIn]) -> Any:
    """Return settings with every stand-in replaced, numbers and in texts."""
    if isinstance(settings, dict):
        return {k: filled(v, ids) for k, v in cast(dict[str, Any], settings).items()}
    if isinstance(settings, list | tuple):
        return [filled(each, ids) for each in cast(Sequence[Any], settings)]
    if isinstance(settings, str):
        if str(_FIRST)[:6] in settings or _TEXT in settings:
            for stand_in, value in ids.items():
                settings = settings.replace(str(stand_in), str(value))
        return settings
    return ids.get(settings, settings) if isinstance(settings, int) else settings
