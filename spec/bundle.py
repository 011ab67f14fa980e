"""A `databricks.yml` bundle: read, choose a target, fill in, check everything, list its files.

Shapes are those of Databricks Asset Bundles (docs "Bundle configuration"). What of them OpenLake
does not do is refused by name. Pure: the caller reads files and finds names for it (`Folder`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, ValidationError

from spec import bundle_ids
from spec.bundle_artifacts import Build, Built, builds_of
from spec.bundle_files import FileTable, Folder, matching
from spec.bundle_form import BundlePermissions, check_form
from spec.bundle_ids import ResourceKey, StandIn
from spec.bundle_merge import include
from spec.bundle_presets import Presets, mode_problems, presets_of, with_names, with_presets
from spec.bundle_resources import (
    KINDS,
    Grant,
    Resource,
    check_resource,
    take_around,
    with_bundle_permissions,
    wrong_principal,
)
from spec.bundle_target import Given, choose_target, unknown_variables, values_for, with_target
from spec.errors import InvalidFile, Problem
from spec.interpolation import Interpolation
from spec.job_files import check_job, problem_at
from spec.jobs import JobSettings
from spec.problems import Mistake, mistakes
from spec.reference_warnings import reference_warnings
from spec.yaml_lines import Mark, Node, parse

ROOT_FILE = "databricks.yml"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sound bundle, ready to be deployed to one target."""

    name: str
    target: str
    mode: str | None
    host: str | None
    """The address that the file says, if it does."""
    root_path: str
    file_path: str
    """The workspace folder that the files go to."""
    artifact_path: str
    """The workspace folder of what is built."""
    jobs: dict[str, JobSettings]
    """By key under `resources.jobs`, those that others name first; files are named by their
    workspace paths."""
    resources: tuple[Resource, ...]
    """All of them, jobs too; those that others name first."""
    permissions: tuple[Grant, ...]
    """Of the whole bundle."""
    files: tuple[tuple[str, str], ...]
    """(path in the bundle's folder, path in the workspace), sorted."""
    builds: tuple[Build, ...] = ()
    """What is to be built before the files can be uploaded."""
    variables: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The values that they have here."""
    stand_ins: Mapping[StandIn, ResourceKey] = field(default_factory=dict[StandIn, ResourceKey])
    """What stands in the settings for an id → the resource whose id it is."""
    warnings: tuple[Problem, ...] = ()
    """What may not be meant: `{{…}}` references that will stay as they are written."""


def load_bundle(
    folder: Folder,
    *,
    target: str | None = None,
    given: Given | None = None,
    built: Built | None = None,
) -> Bundle:
    """Read and check a bundle.

    Args:
        folder: Where `databricks.yml` lies.
        target: The target to deploy to; None takes the one marked `default: true`.
        given: Who deploys, with which values.
        built: What the builds have left; None: they have not run, and what they will leave is
            taken for granted.

    Raises:
        InvalidFile: with every mistake of every file.
    """
    given = given or Given()
    root, problems = _read(folder)
    root, found = check_form(root)
    problems += found
    name, chosen, found = choose_target(root, target)
    problems += found
    if chosen is not None:
        problems += unknown_variables(root, chosen, name)
        root = with_target(root, chosen)
    values, valueless, found = values_for(root, name, given)
    problems += found
    mode = chosen.get("mode") if chosen is not None else None
    root = with_names(root)
    presets, found = _presets(root, Interpolation(values, valueless), mode, given.user)
    problems += found
    root = with_presets(root, presets)
    references, stand_ins = bundle_ids.references_of(root)
    filling = Interpolation(values | references, valueless)
    paths = {
        name: filling.text(f"workspace.{name}").rstrip("/")
        for name in ("root_path", "file_path", "artifact_path")
    }
    for field_name, path in paths.items():
        if path and not path.startswith("/") and not filling.problems:
            what = f"'{path}' must be an absolute path, e.g. /Workspace/Shared/my-bundle"
            mark = values[f"workspace.{field_name}"].mark
            problems.append(Problem(*mark, "workspace", what))
            break
    problems += mode_problems(root, mode, name, paths["root_path"], given.user)
    builds, found = builds_of(_filled(root, "artifacts", filling))
    problems += found
    files = FileTable(
        folder,
        paths["file_path"],
        artifact_path=paths["artifact_path"],
        builds=builds,
        built=built,
    )
    whole, found = _permissions(_filled(root, "permissions", filling))
    read = _Resources(root, filling, files, whole)
    read.problems += found
    texts = {at: json.dumps(each.settings) for at, each in read.found.items()}
    ordered, cycle = bundle_ids.order(texts, stand_ins, root)
    read.problems += cycle
    sync = filling.fill(root.get("sync") or Node({}, root.mark), ("sync",))
    uploads = files.uploads(sync)
    host = _filled(root, "workspace", filling).get("workspace", "host")
    problems += filling.problems
    # Where a reference could not be filled in, more findings would only be echoes of that; and
    # what a whole bundle says wrongly is wrong in each of its resources.
    told = {(each.file, each.line, each.column, each.message) for each in problems}
    for each in (*files.problems, *read.problems):
        saying = (each.file, each.line, each.column, each.message)
        if Mark(*saying[:3]) not in filling.unfilled and saying not in told:
            problems.append(each)
            told.add(saying)
    if problems:
        raise InvalidFile(problems)
    return Bundle(
        name=str(values["bundle.name"].value),
        target=name,
        mode=str(mode.value) if mode is not None else None,
        host=host.text() if host is not None else None,
        root_path=paths["root_path"],
        file_path=paths["file_path"],
        artifact_path=paths["artifact_path"],
        jobs={at.key: read.jobs[at.key] for at in ordered if at.kind == "jobs"},
        resources=tuple(read.found[at] for at in ordered),
        permissions=whole,
        files=uploads,
        builds=tuple(builds),
        variables={
            name.removeprefix("var."): filling.fill(node, (name,)).plain()
            for name, node in values.items()
            if name.startswith("var.")
        },
        stand_ins=stand_ins,
        warnings=tuple(read.warnings),
    )


def workspace_of(folder: Folder, target: str | None) -> tuple[str | None, str | None]:
    """Return the `host` and the `profile` of a bundle's target, before anything is checked."""
    try:
        root, _ = _read(folder)
        _, chosen, _ = choose_target(root, target)
    except InvalidFile:
        return None, None  # Told when the bundle is read.
    root = root if chosen is None else with_target(root, chosen)
    nodes = (root.get("workspace", name) for name in ("host", "profile"))
    host, profile = (node.text() if node is not None else None for node in nodes)
    return host, profile


def target_of(folder: Folder, wanted: str | None) -> str:
    """Return the name of the target that is meant, before anything is checked; "" for none."""
    try:
        return choose_target(_read(folder)[0], wanted)[0]
    except InvalidFile:
        return ""


def _filled(root: Node, section: str, filling: Interpolation) -> Node:
    node = root.get(section)
    return root if node is None else root.put(section, filling.fill(node, (section,)))


def _presets(
    root: Node, filling: Interpolation, mode: Node | None, user: str
) -> tuple[Presets, list[Problem]]:
    node = filling.fill(root.get("presets") or Node({}, root.mark), ("presets",))
    try:
        written = Presets.model_validate(node.plain())
    except ValidationError as error:
        found = [problem_at(node, m, ("presets",)) for m in mistakes(error, Presets)]
        return Presets(), filling.problems or found
    return presets_of(written, str(mode.value) if mode is not None else None, user), []


def _permissions(root: Node) -> tuple[tuple[Grant, ...], list[Problem]]:
    try:
        given = BundlePermissions.model_validate({"permissions": _plain(root, "permissions", [])})
    except ValidationError as error:
        return (), [problem_at(root, m) for m in mistakes(error, BundlePermissions)]
    found = [
        problem_at(root, Mistake(("permissions", i, *path), message))
        for i, grant in enumerate(given.permissions)
        for path, message in wrong_principal(grant)
    ]
    return () if found else given.permissions, found


def _plain(root: Node, section: str, usual: JsonValue) -> JsonValue:
    node = root.get(section)
    return usual if node is None else node.plain()


class _Resources:
    """Checks a bundle's resources one by one."""

    def __init__(
        self, root: Node, filling: Interpolation, files: FileTable, whole: tuple[Grant, ...]
    ) -> None:
        self.found: dict[ResourceKey, Resource] = {}
        self.jobs: dict[str, JobSettings] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._files = files
        self._whole = whole
        self._run_as = root.get("run_as")
        for kind in KINDS:
            entries = root.get("resources", kind)
            for key, node in entries.items() if entries is not None else []:
                if kind == "jobs" and self._run_as is not None and isinstance(node.value, dict):
                    if node.get("run_as") is None:
                        node = node.put("run_as", self._run_as, self._run_as.mark)
                self._read(ResourceKey(kind, key), filling.fill(node, ("resources", kind, key)))

    def _read(self, key: ResourceKey, node: Node) -> None:
        at = ("resources", *key)
        node, granted, is_protected, found = take_around(key.kind, node, at)
        settings = self._job(key, node) if key.kind == "jobs" else self._other(key, node)
        self.problems += found
        permissions = with_bundle_permissions(key.kind, granted, self._whole)
        name = str(settings.get("name", key.key))
        self.found[key] = Resource(key, name, settings, permissions, is_protected)

    def _other(self, key: ResourceKey, node: Node) -> dict[str, Any]:
        settings, found = check_resource(key.kind, node, ("resources", *key))
        self.problems += found
        return settings

    def _job(self, key: ResourceKey, node: Node) -> dict[str, Any]:
        at = ("resources", *key)
        node = self._files.place_tasks(node, at)
        settings, found = check_job(node, at)
        self.problems += found
        if settings is None:
            return {}
        self.jobs[key.key] = settings
        self.warnings += reference_warnings(node, settings, at)
        return settings.model_dump(mode="json", exclude_none=True)


def _read(folder: Folder) -> tuple[Node, list[Problem]]:
    text = folder.read(ROOT_FILE)
    if text is None:
        what = "there is no such file in this folder; create it or go to the bundle's folder"
        raise InvalidFile([Problem(ROOT_FILE, 1, 1, "", what)])
    root, problems = parse(text, ROOT_FILE)
    if root is None or not isinstance(root.value, dict):
        what = "a bundle is a mapping with 'bundle' and 'resources'; write it so"
        raise InvalidFile(problems or [Problem(ROOT_FILE, 1, 1, "", what)])
    patterns = root.get("include")
    seen = {ROOT_FILE}
    for i, node in enumerate(patterns.elements() if patterns is not None else []):
        paths, reason = matching(folder, node)
        literal = node.text()
        if not paths and reason is None and literal and not any(s in literal for s in "*?["):
            reason = f"there is no file '{literal}'; create it or remove this line"
        if reason is not None:
            problems.append(Problem(*node.mark, f"include[{i}]", reason))
        for path in paths:
            if path not in seen:
                seen.add(path)
                root, found = _read_included(folder, path, root)
                problems += found
    return root, problems


def _read_included(folder: Folder, path: str, root: Node) -> tuple[Node, list[Problem]]:
    text = folder.read(path)
    if text is None:
        return root, [Problem(path, 1, 1, "", "this cannot be read as text; do not include it")]
    extra, problems = parse(text, path)
    if extra is None:
        return root, problems
    if not isinstance(extra.value, dict):
        what = "this must be a mapping, e.g. one that begins with 'resources:'"
        return root, [*problems, Problem(*extra.mark, "", what)]
    root, found = include(root, extra)
    return root, problems + found
