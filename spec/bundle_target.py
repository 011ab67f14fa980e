"""What a bundle is for one target: its overrides, and what every `${…}` stands for."""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from spec.bundle_merge import override
from spec.errors import InvalidFile, Problem
from spec.yaml_lines import Node


def choose_target(root: Node, wanted: str | None) -> tuple[str, Node | None, list[Problem]]:
    """Return the wanted or the default target's name and tree, and what is wrong.

    Raises:
        InvalidFile: the wanted target does not exist.
    """
    targets = root.get("targets")
    if targets is None or not targets.items():
        if wanted in (None, "default"):
            return "default", None, []
        mark = root.keys.get("targets", root.mark)
        what = f"there is no target '{wanted}', for the file defines none under 'targets'"
        raise InvalidFile([Problem(*mark, "targets", what)])
    names = [name for name, _ in targets.items()]
    mark = root.keys["targets"]
    if wanted is not None:
        if wanted not in names:
            what = f"there is no target '{wanted}'; the targets are {', '.join(names)}"
            raise InvalidFile([Problem(*mark, "targets", what)])
        return wanted, targets.get(wanted), []
    default = [name for name, target in targets.items() if _is_default(target)]
    chosen = (default or names)[0]
    problems: list[Problem] = []
    if len(default) > 1:
        what = f"{' and '.join(default)} are both marked 'default: true'; keep one"
        problems.append(Problem(*mark, "targets", what))
    elif not default and len(names) > 1:
        what = f"no target is marked 'default: true'; mark one, or name one of {', '.join(names)}"
        problems.append(Problem(*mark, "targets", what))
    return chosen, targets.get(chosen), problems


def with_target(root: Node, target: Node) -> Node:
    """Return the bundle's tree with the target's overrides in it."""
    for section in ("workspace", "resources"):
        over = target.get(section)
        if over is not None:
            base = root.get(section)
            root = root.put(section, over if base is None else override(base, over))
    variables = target.get("variables")
    for name, value in variables.items() if variables is not None else []:
        value = value.get("default") or value
        definition = root.get("variables", name)
        if definition is not None:
            if not isinstance(definition.value, dict):
                definition = Node({}, definition.mark)
            definition = definition.put("default", value, value.mark)
            root = root.put_at(("variables", name), definition)
    return root


def _is_default(target: Node) -> bool:
    node = target.get("default")
    return node is not None and node.value is True


def unknown_variables(root: Node, target: Node, target_name: str) -> list[Problem]:
    """Return a problem for each variable that the target sets and the bundle does not define."""
    defined = root.get("variables")
    names = [name for name, _ in defined.items()] if defined is not None else []
    given = target.get("variables")
    return [
        Problem(
            *given.keys[name], f"targets.{target_name}.variables.{name}", _no_variable(name, names)
        )
        for name, _ in (given.items() if given is not None else [])
        if given is not None and name not in names
    ]


def _no_variable(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "define it under 'variables'"
    return f"there is no variable '{name}'; {hint}"


def values_for(
    root: Node, target: str, given: Mapping[str, str], user: str
) -> tuple[dict[str, Node], set[str], list[Problem]]:
    """Return what each reference stands for, names without a value, and what is wrong."""
    problems: list[Problem] = []
    values = _built_in(root, target, user)
    valueless: set[str] = set()
    defined = root.get("variables")
    names = [name for name, _ in defined.items()] if defined is not None else []
    mark = root.keys.get("variables", root.mark)
    for name in given.keys() - set(names):
        problems.append(Problem(*mark, "variables", _no_variable(name, names)))
    for name, node in defined.items() if defined is not None else []:
        default, kind = node.get("default"), node.get("type")
        if name in given and kind is not None:
            what = f"'{name}' is complex and cannot be set from outside; set it in a target"
            problems.append(Problem(*node.mark, f"variables.{name}", what))
            valueless.add(f"var.{name}")
        elif name in given:
            values[f"var.{name}"] = Node(given[name], node.mark)
        elif default is not None and default.value is not None:
            values[f"var.{name}"] = default
        else:
            valueless.add(f"var.{name}")
            what = f"variable '{name}' has no value; give it a default, or pass one when deploying"
            place = defined.keys[name] if defined is not None else mark
            problems.append(Problem(*place, f"variables.{name}", what))
    return values, valueless, problems


def _built_in(root: Node, target: str, user: str) -> dict[str, Node]:
    name = root.get("bundle", "name")
    if name is None or "${" in str(name.value):
        name = Node("bundle", root.mark)  # A stand-in: the mistake has been reported.
    home = f"/Workspace/Users/{user}" if user else "/Workspace/Shared"
    defaults = {
        "bundle.name": name,
        "bundle.target": Node(target, root.mark),
        "workspace.root_path": root.get("workspace", "root_path")
        or Node(f"{home}/.bundle/${{bundle.name}}/${{bundle.target}}", root.mark),
        "workspace.file_path": root.get("workspace", "file_path")
        or Node("${workspace.root_path}/files", root.mark),
    }
    if user:
        defaults["workspace.current_user.userName"] = Node(user, root.mark)
        defaults["workspace.current_user.short_name"] = Node(short_name(user), root.mark)
    return defaults


def short_name(user: str) -> str:
    """Return the part of a user's name that fits into names of jobs and paths."""
    return re.sub(r"[^A-Za-z0-9]", "_", user.partition("@")[0])
