"""How the files of a bundle become one tree, and how a target changes it."""

from spec.errors import Problem
from spec.problems import Path
from spec.yaml_lines import Node, spell

INCLUDABLE = ("artifacts", "resources", "targets", "variables")
_KEYED = {
    "tasks": "task_key",
    "job_clusters": "job_cluster_key",
    "parameters": "name",
    "environments": "environment_key",
}


def include(base: Node, extra: Node, path: Path = ()) -> tuple[Node, list[Problem]]:
    """Return both trees as one; what both set is a problem, for neither should silently win."""
    problems: list[Problem] = []
    merged = base
    for key, value in extra.items():
        at = (*path, key)
        mine = merged.get(key)
        if not path and key not in INCLUDABLE:
            message = f"only databricks.yml may set '{key}'; move it there"
            problems.append(Problem(*extra.keys[key], key, message))
        elif mine is None:
            merged = merged.put(key, value, extra.keys[key])
        elif _whole(at) or not (isinstance(mine.value, dict) and isinstance(value.value, dict)):
            first = merged.keys[key]
            message = f"'{key}' is set in {first.file}:{first.line} already; remove one of them"
            problems.append(Problem(*extra.keys[key], spell(at), message))
        else:
            inner, found = include(mine, value, at)
            merged = merged.put(key, inner)
            problems += found
    return merged, problems


def _whole(path: Path) -> bool:
    """Tell whether a path names something that one file must define alone."""
    return len(path) == (3 if path[0] == "resources" else 2) and path[0] != "targets"


def override(base: Node, over: Node, key: str = "") -> Node:
    """Return `base` changed by a target, by Databricks' rules.

    Mappings merge; tasks, job clusters, parameters and environments merge by their key; other
    lists are joined; anything else is replaced.
    """
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        merged = base
        for name, value in over.items():
            mine = merged.get(name)
            value = value if mine is None else override(mine, value, name)
            merged = merged.put(name, value, over.keys[name])
        return merged
    if isinstance(base.value, list) and isinstance(over.value, list):
        if key in _KEYED:
            return Node(_by_key(base.value, over.value, _KEYED[key]), base.mark)
        return Node([*base.value, *over.value], base.mark)
    return over


def _by_key(base: list[Node], over: list[Node], field: str) -> list[Node]:
    merged = list(base)
    position = {name: i for i, node in enumerate(base) if (name := _name(node, field))}
    for node in over:
        i = position.get(_name(node, field))
        if i is None:
            merged.append(node)
        else:
            merged[i] = override(merged[i], node)
    return merged


def _name(node: Node, field: str) -> str:
    inner = node.get(field)
    return (inner.text() if inner is not None else None) or ""
