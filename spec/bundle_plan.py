"""What deploying a bundle would do: compares what it says with what there is; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spec.bundle_ids import ResourceKey
from spec.bundle_resources import KINDS, Resource
from spec.diff import Change, changes


class Action(StrEnum):
    """What is done to one resource."""

    CREATE = "create"
    UPDATE = "update"
    RECREATE = "recreate"
    DELETE = "delete"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as it is to be, in the form of `Existing`."""

    settings: Mapping[str, Any]
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Existing:
    """A resource as it stands in the workspace."""

    object_id: str
    settings: Mapping[str, Any]
    """What the bundle does not speak of is left out."""
    permissions: Mapping[str, str] | None = None
    """Who (`user_name ann`) → level, given directly; None: they were not asked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done to one resource."""

    at: ResourceKey
    name: str
    action: Action
    object_id: str | None = None
    """Of what is there."""
    changes: tuple[Change, ...] = ()
    """What will be different; of an update or a recreate."""
    permissions_differ: bool = False
    settings_differ: bool = True
    loses: str = ""
    """What is gone for good afterwards; "" when nothing is."""
    is_protected: bool = False
    """The bundle forbids to delete it, though that would be needed."""


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What is to be done to the bundle's files."""

    upload: tuple[str, ...] = ()
    """Workspace paths of what is new or different."""
    delete: tuple[str, ...] = ()
    """Workspace paths of what an earlier deployment has left."""
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that deploying would do."""

    steps: tuple[Step, ...]
    """In the order of doing: what others name first, deletions last."""
    files: FilePlan = FilePlan()
    permissions: tuple[Change, ...] = ()
    """Of the bundle's folder and of the deployment itself."""

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to do."""
        quiet = all(step.action is Action.UNCHANGED for step in self.steps)
        return quiet and not self.permissions and not self.files.upload and not self.files.delete

    @property
    def losses(self) -> tuple[Step, ...]:
        """The steps that take away what cannot be brought back."""
        return tuple(step for step in self.steps if step.loses)

    @property
    def forbidden(self) -> tuple[Step, ...]:
        """The steps that the bundle itself forbids."""
        return tuple(step for step in self.steps if step.is_protected)

    def count(self, action: Action) -> int:
        """Return how many resources this is done to."""
        return sum(step.action is action for step in self.steps)


def step_for(resource: Resource, wanted: Wanted, found: Existing | None) -> Step:
    """Return what is to be done so that a resource is as it is wanted; None: it is not there."""
    at, name, kind = resource.at, resource.name, KINDS[resource.at.kind]
    given = wanted.permissions
    if found is None:
        return Step(at, name, Action.CREATE, permissions_differ=bool(given))
    different = tuple(changes(found.settings, wanted.settings))
    if any(each.path in kind.fixed for each in different):
        return Step(
            at,
            name,
            Action.RECREATE,
            found.object_id,
            different,
            permissions_differ=bool(given),
            loses=kind.loses,
            is_protected=resource.prevent_destroy,
        )
    of_permissions = permission_changes(found.permissions, given)
    all_changes = (*different, *of_permissions)
    return Step(
        at,
        name,
        Action.UPDATE if all_changes else Action.UNCHANGED,
        found.object_id,
        all_changes,
        permissions_differ=bool(of_permissions),
        settings_differ=bool(different),
    )


def deletions(
    names: Mapping[ResourceKey, str],
    there: Mapping[ResourceKey, str],
    protected: Collection[ResourceKey] = (),
) -> list[Step]:
    """Return what is to be done to take resources away, those that others may need last.

    Args:
        names: Of what is to go.
        there: The ids of those that are there.
        protected: What the bundle forbids to delete.
    """
    order = list(KINDS)
    return [
        Step(
            at,
            names[at],
            Action.DELETE,
            there.get(at),
            loses=KINDS[at.kind].loses if at in there else "",
            is_protected=at in there and at in protected,
        )
        for at in sorted(names, key=lambda at: order.index(at.kind), reverse=True)
    ]


def permission_changes(before: Mapping[str, str] | None, given: Mapping[str, str]) -> list[Change]:
    """Return how permissions differ; [] where they were not asked for."""
    if before is None:
        return []
    return changes({"permissions": before}, {"permissions": given})


def without(held: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what is left of permissions when what a bundle gave is taken back.

    What somebody has changed since is not what the bundle gave.
    """
    return {whom: level for whom, level in held.items() if given.get(whom) != level}


def plan_files(
    wanted: Mapping[str, str],
    noted: Mapping[str, tuple[str, int]],
    there: Mapping[str, int],
) -> FilePlan:
    """Return what is to be done to files.

    Args:
        wanted: Workspace path → hash of the content, of all that the bundle holds.
        noted: Path → (hash, time of writing), as the last deployment noted.
        there: Path → time of writing, as the workspace says now.
    """
    upload = tuple(
        path
        for path, sha256 in wanted.items()
        if path not in there or noted.get(path) != (sha256, there[path])
    )
    delete = tuple(path for path in noted if path not in wanted and path in there)
    return FilePlan(upload, delete, len(wanted) - len(upload))
