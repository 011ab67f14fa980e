"""What a bundle is for one target: its overrides, and what every `${…}` stands for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from pydantic import JsonValue

from spec.bundle_merge import override
from spec.bundle_names import short_name
from spec.errors import InvalidFile, OpenLakeError, Problem, Unavailable
from spec.interpolation import Interpolation
from spec.yaml_lines import Node, spell


@dataclass(frozen=True, slots=True)
class Given:
    """What whoever deploys brings along."""

    user: str = ""
    """Shows in the default root path and in the names of development copies; "": not known."""
    host: str = ""
    """The address of the workspace; "": not known."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values that go before all others."""
    of_file: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Values that go before those of the bundle's own files."""
    find: Callable[[str, str], str] | None = None
    """Returns the id of (a kind of thing, its name), or raises an `OpenLakeError`; None: the API
    cannot be asked."""


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
    for section in ("workspace", "resources", "artifacts", "presets", "permissions", "sync"):
        over = target.get(section)
        if over is not None:
            base = root.get(section)
            merged = over if base is None else override(base, over, section)
            root = root.put(section, merged, target.keys.get(section))
    run_as = target.get("run_as")
    if run_as is not None:
        root = root.put("run_as", run_as, target.keys.get("run_as"))
    variables = target.get("variables")
    for name, value in variables.items() if variables is not None else []:
        definition = root.get("variables", name)
        if definition is not None:
            if not isinstance(definition.value, dict):
                definition = Node({}, definition.mark)
            root = root.put_at(("variables", name), _redefined(definition, value))
    return root


def _redefined(definition: Node, value: Node) -> Node:
    """Return a variable's definition with the value, or the lookup, that a target gives it."""
    lookup = value.get("lookup")
    if lookup is not None:
        return definition.put("default", Node(None, lookup.mark)).put("lookup", lookup, lookup.mark)
    value = value.get("default") or value
    return definition.put("default", value, value.mark)


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
    root: Node, target: str, given: Given
) -> tuple[dict[str, Node], set[str], list[Problem]]:
    """Return what each reference stands for, names without a value, and what is wrong."""
    problems: list[Problem] = []
    values = _built_in(root, target, given)
    valueless: set[str] = set()
    defined = root.get("variables")
    names = [name for name, _ in defined.items()] if defined is not None else []
    mark = root.keys.get("variables", root.mark)
    for name in sorted((given.variables.keys() | given.of_file.keys()) - set(names)):
        problems.append(Problem(*mark, "variables", _no_variable(name, names)))
    lookups: list[tuple[str, Node]] = []
    for name, node in defined.items() if defined is not None else []:
        default, kind, lookup = node.get("default"), node.get("type"), node.get("lookup")
        if name in given.variables and kind is not None:
            what = f"'{name}' is complex and cannot be set from outside; set it in a target"
            problems.append(Problem(*node.mark, f"variables.{name}", what))
            valueless.add(f"var.{name}")
        elif name in given.variables:
            values[f"var.{name}"] = Node(given.variables[name], node.mark)
        elif name in given.of_file:
            values[f"var.{name}"] = Node.of(given.of_file[name], node.mark)
        elif default is not None and default.value is not None:
            values[f"var.{name}"] = default
        elif lookup is not None:
            lookups.append((name, lookup))
        else:
            valueless.add(f"var.{name}")
            what = f"variable '{name}' has no value; give it a default, or pass one when deploying"
            place = defined.keys[name] if defined is not None else mark
            problems.append(Problem(*place, f"variables.{name}", what))
    for name, lookup in lookups:
        found, wrong = _look_up(lookup, Interpolation(values, valueless), given, name)
        problems += wrong
        if found is None:
            valueless.add(f"var.{name}")
        else:
            values[f"var.{name}"] = Node(found, lookup.mark)
    return values, valueless, problems


def _look_up(
    lookup: Node, filling: Interpolation, given: Given, variable: str
) -> tuple[str | None, list[Problem]]:
    at = ("variables", variable, "lookup")
    for kind, node in lookup.items():
        name = filling.fill(node, (*at, kind)).text()
        if name is None or filling.problems:
            return None, filling.problems  # No text: told with the form.
        try:
            if given.find is None:
                raise Unavailable("the API is needed to look this up, and does not answer")
            return given.find(kind, name), []
        except OpenLakeError as error:
            return None, [Problem(*node.mark, spell((*at, kind)), error.message)]
    return None, []


def _built_in(root: Node, target: str, given: Given) -> dict[str, Node]:
    user = given.user
    bundle = root.get("bundle", "name")
    if bundle is None or "${" in str(bundle.value):
        bundle = Node("bundle", root.mark)  # A stand-in: the mistake has been reported.
    home = f"/Workspace/Users/{user}" if user else "/Workspace/Shared"
    paths = {
        "root_path": f"{home}/.bundle/${{bundle.name}}/${{bundle.target}}",
        "file_path": "${workspace.root_path}/files",
        "artifact_path": "${workspace.root_path}/artifacts",
    }
    defaults = {
        "bundle.name": bundle,
        "bundle.target": Node(target, root.mark),
        "bundle.environment": Node(target, root.mark),
    }
    for name, usual in paths.items():
        node = root.get("workspace", name) or Node(usual, root.mark)
        text = node.text() or ""
        if text.startswith("~/"):
            node = Node(home + text[1:], node.mark, written=text)
        defaults[f"workspace.{name}"] = node
    if given.host:
        defaults["workspace.host"] = Node(given.host, root.mark)
    if user:
        defaults["workspace.current_user.userName"] = Node(user, root.mark)
        defaults["workspace.current_user.short_name"] = Node(short_name(user), root.mark)
    return defaults
