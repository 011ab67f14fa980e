"""What a target's `mode` and `presets` make of a bundle's resources.

Behaviour is that of Databricks Asset Bundles (docs "Deployment modes"): a development copy is
marked with its owner's name, its schedules are paused, and it may run several times at once.
"""

import re
from typing import Literal

from pydantic import Field

from spec.bundle_names import short_name
from spec.errors import Problem
from spec.model import Model, Text
from spec.yaml_lines import Node


class Presets(Model):
    """`presets`: what every resource of a target is given unless it says otherwise."""

    name_prefix: str | None = Field(default=None, max_length=100)
    trigger_pause_status: Literal["PAUSED", "UNPAUSED"] | None = None
    jobs_max_concurrent_runs: int | None = Field(default=None, ge=1, le=1000)
    tags: dict[str, Text] = {}


REFUSED_PRESETS = {
    "artifacts_dynamic_version": "remove it; a wheel is uploaded when what is in it has changed",
    "pipelines_development": "remove it; there are no pipelines",
    "source_linked_deployment": "remove it; files are always uploaded",
}

_STARTERS = ("schedule", "trigger", "continuous")
_TAGGED = ("jobs", "experiments", "models")


def presets_of(written: Presets, mode: str | None, user: str) -> Presets:
    """Return the presets of a target: what is written, before what its mode brings along."""
    if mode != "development":
        return written
    name = short_name(user)
    given = written.model_dump(exclude_none=True, exclude_unset=True)
    brought = {
        "name_prefix": f"[dev {name}] " if name else "[dev] ",
        "trigger_pause_status": "PAUSED",
        "jobs_max_concurrent_runs": 4,
    }
    tags = {**({"dev": name} if name else {}), **written.tags}
    return Presets.model_validate({**brought, **given, "tags": tags})


def with_names(root: Node) -> Node:
    """Return the bundle's tree in which every resource has a name: at least its key."""
    for kind, key, node in _resources(root):
        if isinstance(node.value, dict) and node.get("name") is None:
            named = node.put("name", Node(key, node.mark), node.mark)
            root = root.put_at(("resources", kind, key), named)
    return root


def with_presets(root: Node, presets: Presets) -> Node:
    """Return the bundle's tree with the presets in its resources."""
    for kind, key, node in _resources(root):
        if isinstance(node.value, dict):
            changed = _prefixed(kind, node, presets.name_prefix or "")
            changed = _tagged(kind, changed, presets)
            if kind == "jobs":
                changed = _calmed(changed, presets)
            root = root.put_at(("resources", kind, key), changed)
    return root


def _resources(root: Node) -> list[tuple[str, str, Node]]:
    resources = root.get("resources")
    kinds = resources.items() if resources is not None else []
    return [(kind, key, node) for kind, entries in kinds for key, node in entries.items()]


def _prefixed(kind: str, node: Node, prefix: str) -> Node:
    """Put the prefix before a name; volumes and scopes keep theirs, as Databricks leaves them."""
    name = node.get("name")
    text = name.text() if name is not None else None
    if name is None or text is None or not prefix or kind in ("volumes", "secret_scopes"):
        return node
    if kind == "schemas":
        prefix = re.sub(r"[^A-Za-z0-9]+", "_", prefix).strip("_") + "_"
    folder, slash, last = text.rpartition("/") if kind == "experiments" else ("", "", text)
    return node.put("name", Node(f"{folder}{slash}{prefix}{last}", name.mark, written=name.written))


def _tagged(kind: str, node: Node, presets: Presets) -> Node:
    if kind not in _TAGGED or not presets.tags:
        return node
    tags = node.get("tags")
    if kind == "jobs":
        tags = tags if tags is not None else Node({}, node.mark)
        for name, value in presets.tags.items():
            if isinstance(tags.value, dict) and tags.get(name) is None:
                tags = tags.put(name, Node(value, node.mark), node.mark)
        return node.put("tags", tags, node.mark)
    written = tags.elements() if tags is not None else []
    names = {str(each.value) for entry in written if (each := entry.get("key")) is not None}
    more = [
        Node({"key": Node(name, node.mark), "value": Node(value, node.mark)}, node.mark)
        for name, value in presets.tags.items()
        if name not in names
    ]
    return node.put("tags", Node([*written, *more], node.mark), node.mark)


def _calmed(job: Node, presets: Presets) -> Node:
    """Pause what would start the job, unless the job itself says whether it is paused."""
    for name in _STARTERS:
        starter = job.get(name)
        status = presets.trigger_pause_status
        if starter is None or not isinstance(starter.value, dict) or status is None:
            continue
        if starter.get("pause_status") is None:
            mark = starter.mark
            job = job.put(name, starter.put("pause_status", Node(status, mark), mark))
    most = presets.jobs_max_concurrent_runs
    if most is not None and job.get("max_concurrent_runs") is None:
        job = job.put("max_concurrent_runs", Node(most, job.mark), job.mark)
    return job


def mode_problems(
    root: Node, mode: Node | None, target: str, root_path: str, user: str
) -> list[Problem]:
    """Return what is missing for the mode of a target.

    In production it must be clear that there is one copy: `run_as` names a service principal, or
    the folder is written out. In development it must be clear whose copy it is.
    """
    if mode is None:
        return []
    written = root.get("workspace", "root_path")
    if mode.value == "production":
        service = root.get("run_as", "service_principal_name")
        if written is None and service is None:
            what = (
                "mode production needs one copy for all who deploy: set workspace.root_path, or let"
                " run_as name a service_principal_name"
            )
            return [Problem(*mode.mark, f"targets.{target}.mode", what)]
    if mode.value == "development" and written is not None and user:
        if user not in root_path and short_name(user) not in root_path:
            what = (
                f"mode development needs a folder of one's own: '{root_path}' does not hold"
                " ${workspace.current_user.userName}; begin it with ~/"
            )
            return [Problem(*written.mark, "workspace.root_path", what)]
    return []
