"""Deploys a bundle: looks what is there, plans, and does what is planned.

Each step is noted on the server before it is begun and after it is done. Whoever dies in between
leaves a note, from which the next deployment sees what is there already.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from control.cli.bundles import sync
from control.cli.bundles.permissions import Permissions
from control.cli.bundles.resources import Adapter, adapters
from control.cli.bundles.state import Lock
from control.cli.client import Api
from spec.api.deployments import DeployedFile, DeploymentDetails
from spec.bundle_ids import ResourceKey, StandIn, filled
from spec.bundle_plan import (
    Action,
    Existing,
    FilePlan,
    Plan,
    Step,
    Wanted,
    deletions,
    permission_changes,
    plan_files,
    step_for,
    without,
)
from spec.bundle_resources import Resource, access
from spec.diff import Change
from spec.errors import Conflict, NotFound, OpenLakeError

if TYPE_CHECKING:
    from spec.bundle import Bundle

Say = Callable[[str], None]

_OUTER = {"directories": "folder", "deployments": "deployment"}
"""What is not one of the bundle's resources, but has permissions."""
_FOLDER_LEVELS = {"CAN_VIEW": "CAN_READ", "CAN_RUN": "CAN_RUN", "CAN_MANAGE": "CAN_MANAGE"}
_DEPLOYMENT_LEVELS = {"CAN_VIEW": "CAN_VIEW", "CAN_RUN": "CAN_VIEW", "CAN_MANAGE": "CAN_MANAGE"}


@dataclass
class Deployer:
    """One bundle and one target, as one person sees them."""

    api: Api
    bundle: "Bundle"
    folder: Path
    me: str
    state: DeploymentDetails | None
    ids: dict[StandIn, StandIn] = field(default_factory=dict[StandIn, StandIn])
    """What is known of the ids that stand-ins stand for."""

    def __post_init__(self) -> None:
        """Get ready."""
        self.adapters: dict[str, Adapter] = adapters(self.api, self.bundle.root_path)
        self.permissions = Permissions(self.api, self.me)
        self.files: dict[str, sync.LocalFile] = {}
        self._raw: dict[ResourceKey, dict[str, Any]] = {}
        """Settings with stand-ins, as they are to be."""
        self._granted: dict[ResourceKey, Mapping[str, str]] = {}
        """All that is to be held directly on each resource."""
        self._given: dict[ResourceKey, Mapping[str, str]] = {}
        """What of it the bundle gives."""
        self._outer_granted: dict[str, Mapping[str, str]] = {}
        """All that is to be held directly on the folder and on the deployment."""
        self._by_key = {each.at: each for each in self.bundle.resources}
        self._stand_ins = {at: stand_in for stand_in, at in self.bundle.stand_ins.items()}

    @property
    def version(self) -> int:
        """Return the version of what was deployed before; 0 for nothing."""
        return self.state.version if self.state is not None else 0

    @property
    def deployed(self) -> dict[ResourceKey, str]:
        """Return the names of what was deployed before, also of what was only begun."""
        made = self.state.resources if self.state is not None else ()
        return {ResourceKey(each.kind, each.key): each.name for each in made}

    @property
    def is_settled(self) -> bool:
        """False when an earlier deployment died: something is noted that was only begun.

        Or when it is not noted yet what the bundle gives, as older versions did not.
        """
        made = self.state.resources if self.state is not None else ()
        is_noted = all(dict(given) == self._noted(at)[1] for at, given in self._given.items())
        outer = self.state.permissions if self.state is not None else {}
        is_noted = is_noted and all(outer.get(kind, {}) == self._outer(kind) for kind in _OUTER)
        return is_noted and all(each.object_id is not None for each in made)

    def _noted(self, at: ResourceKey) -> tuple[tuple[str | None, str] | None, dict[str, str]]:
        """Return (id, name) of what is noted of a resource, and what the bundle gave on it."""
        for each in self.state.resources if self.state is not None else ():
            if (each.kind, each.key) == at:
                return (each.object_id, each.name), each.permissions
        return None, {}

    def plan(self) -> Plan:
        """Return what deploying would do; nothing is changed."""
        known = self._existing()
        steps = [self._step(each, known.get(each.at)) for each in self.bundle.resources]
        gone = {at: name for at, name in self.deployed.items() if at not in self._by_key}
        steps += deletions(gone, self._there(known, gone))
        self.files = sync.local_files(self.folder, self.bundle)
        permissions = tuple(self._outer_changes())
        return Plan(tuple(steps), self._files(), permissions)

    def plan_destroy(self) -> Plan:
        """Return what is left to be deleted of the deployment."""
        protected = [each.at for each in self.bundle.resources if each.prevent_destroy]
        there = self._there(self._existing(), self.deployed)
        noted = tuple(each.path for each in self.state.files) if self.state is not None else ()
        steps = deletions(self.deployed, there, protected)
        return Plan(tuple(steps), FilePlan(delete=noted))

    def _step(self, resource: Resource, object_id: str | None) -> Step:
        """Plan one resource; those that it names have been planned before."""
        adapter, at = self.adapters[resource.at.kind], resource.at
        self._learn(at, object_id)
        wanted = self._wanted_of(resource)
        found = self._compared(at, object_id, wanted) if object_id is not None else None
        if found is None and object_id is not None:
            # It may name its own id, which it will have anew.
            self._learn(at, None)
            wanted = self._wanted_of(resource)
        self._given[at] = wanted.permissions
        if not wanted.permissions and found is not None and found.permissions is not None:
            kept = without(found.permissions, self._noted(at)[1])
            wanted = replace(wanted, permissions=kept)
        step = step_for(resource, wanted, found)
        if step.action is Action.RECREATE:
            self._learn(at, None)
        self._raw[at] = adapter.wanted(resource)
        self._granted[at] = wanted.permissions
        return step

    def _there(
        self, known: Mapping[ResourceKey, str], wanted: Mapping[ResourceKey, str]
    ) -> dict[ResourceKey, str]:
        """Return the ids of those that are still there."""
        return {
            at: object_id
            for at, object_id in known.items()
            if at in wanted and self.adapters[at.kind].read(object_id, {}) is not None
        }

    def _existing(self) -> dict[ResourceKey, str]:
        """Return the ids of what was deployed before; what was only begun is looked for."""
        found: dict[ResourceKey, str] = {}
        made = self.state.resources if self.state is not None else ()
        known = {kind: {e.object_id for e in made if e.kind == kind} for kind in self.adapters}
        for each in made:
            at = ResourceKey(each.kind, each.key)
            object_id = each.object_id or self._begun(at, each.name, known[each.kind])
            if object_id is not None:
                known[each.kind].add(object_id)
                found[at] = object_id
        return found

    def _begun(self, at: ResourceKey, name: str, besides: Container[str | None]) -> str | None:
        """Return the id of what a deployment was making when it died."""
        resource = self._by_key.get(at)
        settings = dict(resource.settings) if resource is not None else {}
        sought = Resource(at, name, {**settings, "name": name})
        return self.adapters[at.kind].find(sought, besides)

    def _learn(self, at: ResourceKey, object_id: str | None) -> None:
        stand_in = self._stand_ins.get(at)
        if stand_in is None:
            return
        if object_id is None:
            self.ids.pop(stand_in, None)
        else:
            self.ids[stand_in] = int(object_id) if isinstance(stand_in, int) else object_id

    def _wanted_of(self, resource: Resource) -> Wanted:
        settings = filled(self.adapters[resource.at.kind].wanted(resource), self.ids)
        return Wanted(settings, self.permissions.wanted(resource))

    def _compared(self, at: ResourceKey, object_id: str, wanted: Wanted) -> Existing | None:
        adapter = self.adapters[at.kind]
        settings = adapter.read(object_id, wanted.settings)
        if settings is None:
            return None
        given = None
        concerned = wanted.permissions or self._noted(at)[1]
        if concerned and adapter.permissions is not None:
            given = self.permissions.read(adapter.permissions, object_id)
        return Existing(object_id, settings, given)

    def _files(self) -> FilePlan:
        noted = self.state.files if self.state is not None else ()
        return plan_files(
            sync.noted(self.files),
            {each.path: (each.sha256, each.modified_at) for each in noted},
            self._remote([each.path for each in noted]),
        )

    def _remote(self, noted: list[str]) -> dict[str, int]:
        """Return what lies where the bundle's files are, or an earlier deployment's were."""
        folders = [self.bundle.file_path, f"{self.bundle.artifact_path}/.internal"]
        found = sync.remote_files(self.api, folders)
        elsewhere = {path.rpartition("/")[0] for path in noted if path not in found}
        return {**sync.remote_files(self.api, elsewhere), **found} if elsewhere else found

    def _outer_changes(self) -> Iterator[Change]:
        """Return what differs in the permissions of the folder and of the deployment."""
        noted = self.state.permissions if self.state is not None else {}
        if not self.bundle.permissions and not any(noted.values()):
            return
        deployment = self.state.deployment_id if self.state is not None else None
        for kind, object_id in (("directories", self._folder()), ("deployments", deployment)):
            before = self.permissions.read(kind, object_id) if object_id is not None else {}
            self._outer_granted[kind] = self._outer(kind) or without(before, noted.get(kind, {}))
            for change in permission_changes(before, self._outer_granted[kind]):
                yield change.model_copy(update={"path": f"{_OUTER[kind]}.{change.path}"})

    def _folder(self) -> str | None:
        """Return the id of the bundle's folder in the workspace; None when it is not there."""
        try:
            path = self.bundle.root_path
            return str(self.api.get("/api/2.0/workspace/get-status", path=path)["object_id"])
        except NotFound:
            return None

    def _outer(self, kind: str) -> dict[str, str]:
        levels = _FOLDER_LEVELS if kind == "directories" else _DEPLOYMENT_LEVELS
        given = tuple(access(each, levels[each.level]) for each in self.bundle.permissions)
        at = ResourceKey(kind, "")
        return self.permissions.wanted(Resource(at, "", {}, given))

    def apply(self, plan: Plan, lock: Lock, say: Say) -> dict[ResourceKey, str]:
        """Do what is planned; return the ids of all resources that there are then.

        Safe to repeat after a death anywhere: the next plan holds what is left to do.
        """
        self._upload(plan, lock, say)
        made: dict[ResourceKey, str] = {}
        for step in plan.steps:
            lock.keep()
            object_id = self._do(step, lock)
            if object_id is not None:
                made[step.at] = object_id
                self._learn(step.at, object_id)
            if step.action is not Action.UNCHANGED:
                say(f"{step.at} {DONE[step.action]}")
        self._give(plan, lock)
        self._clean(plan, lock, say)
        return made

    def _upload(self, plan: Plan, lock: Lock, say: Say) -> None:
        """Bring the files up to date; what is begun is noted first, lest it is forgotten."""
        if not plan.files.upload:
            return
        noted = {each.path: each for each in self.state.files} if self.state is not None else {}
        for path in plan.files.upload:
            sha256 = self.files[path].sha256
            noted[path] = DeployedFile(path=path, sha256=sha256, modified_at=0)
        lock.files(noted.values())
        made: set[str] = set()
        for path in plan.files.upload:
            lock.keep()
            sync.upload(self.api, self.files[path], made)
        there = self._remote([])
        for path in plan.files.upload:
            noted[path] = noted[path].model_copy(update={"modified_at": there.get(path, 0)})
        lock.files(noted.values())
        say(f"{len(plan.files.upload)} file(s) uploaded")

    def _do(self, step: Step, lock: Lock) -> str | None:
        adapter, at = self.adapters[step.at.kind], step.at
        if step.action in (Action.DELETE, Action.RECREATE):
            self._delete(step, lock)
        if step.action in (Action.CREATE, Action.RECREATE):
            object_id = self._create(step, lock)
        elif step.action is Action.UPDATE and step.settings_differ and step.object_id:
            object_id = adapter.update(step.object_id, self._settings(at))
        else:
            object_id = step.object_id
        if step.action is Action.DELETE or object_id is None:
            return None
        known, given = self._noted(at)
        # What is about to be given is noted first: whoever dies in between has given it, perhaps.
        about = {**given, **self._given[at]} if step.permissions_differ else given
        if (known, given) != ((object_id, step.name), about):
            lock.made(at, step.name, object_id, about)
        if step.permissions_differ and adapter.permissions is not None:
            self.permissions.write(adapter.permissions, object_id, self._granted[at])
        if about != self._given[at]:
            lock.made(at, step.name, object_id, self._given[at])
        return object_id

    def _settings(self, at: ResourceKey) -> dict[str, Any]:
        return filled(self._raw[at], self.ids)

    def _create(self, step: Step, lock: Lock) -> str:
        """Make a resource; a note is left before, and taken back when it is refused."""
        adapter, at, resource = self.adapters[step.at.kind], step.at, self._by_key[step.at]
        settings = self._settings(at)
        # Names of jobs are nobody's own.
        is_named = at.kind != "jobs"
        in_the_way = adapter.find(Resource(at, step.name, settings)) if is_named else None
        if in_the_way is not None:
            raise Conflict(
                f"{at}: there is a '{step.name}' already, which this bundle has not made; give it"
                f" another name, or take it over with `openlake bundle bind {at} {in_the_way}`"
            )
        lock.intend(at, step.name)
        try:
            object_id = adapter.create(settings)
        except OpenLakeError as error:
            if error.status < 500:
                lock.forget(at)
            raise
        lock.made(at, step.name, object_id)
        stand_in = self._stand_ins.get(at)
        self._learn(at, object_id)
        if stand_in is not None and str(stand_in) in str(resource.settings):
            adapter.update(object_id, self._settings(at))
        return object_id

    def _delete(self, step: Step, lock: Lock) -> None:
        if step.object_id is not None:
            try:
                self.adapters[step.at.kind].delete(step.object_id)
            except NotFound:
                pass  # Somebody else was faster.
        lock.forget(step.at)

    def _give(self, plan: Plan, lock: Lock) -> None:
        noted = dict(self.state.permissions) if self.state is not None else {}
        given = {kind: self._outer(kind) for kind in _OUTER}
        if plan.permissions:
            lock.given({kind: {**noted.get(kind, {}), **given[kind]} for kind in _OUTER})
            self.api.post("/api/2.0/workspace/mkdirs", {"path": self.bundle.root_path})
            for kind, place in (
                ("directories", self._folder() or ""),
                ("deployments", lock.deployment_id),
            ):
                self.permissions.write(kind, place, self._outer_granted[kind])
        if plan.permissions or any(noted.get(kind, {}) != given[kind] for kind in _OUTER):
            lock.given(given)

    def _clean(self, plan: Plan, lock: Lock, say: Say) -> None:
        """Delete files that the bundle has no more, when no resource names them any longer."""
        noted = [each.path for each in self.state.files] if self.state is not None else []
        gone = [path for path in noted if path not in self.files]
        if not gone:
            return
        for path in plan.files.delete:
            lock.keep()
            sync.delete(self.api, path)
        there = self._remote([])
        lock.files(
            DeployedFile(path=path, sha256=each.sha256, modified_at=there.get(path, 0))
            for path, each in self.files.items()
        )
        if plan.files.delete:
            say(f"{len(plan.files.delete)} file(s) deleted")

    def destroy(self, plan: Plan, lock: Lock, say: Say) -> None:
        """Delete all that was deployed, and the folders that are empty then."""
        for step in plan.steps:
            lock.keep()
            self._delete(step, lock)
            say(f"{step.at} deleted")
        for path in plan.files.delete:
            lock.keep()
            sync.delete(self.api, path)
        sync.delete_empty(self.api, plan.files.delete, self.bundle.root_path)
        lock.files(())

    def names(self) -> Mapping[StandIn, str]:
        """Return how stand-ins for ids are shown to people."""
        return {
            stand_in: f"${{resources.{at}.id}}" for stand_in, at in self.bundle.stand_ins.items()
        }


DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.RECREATE: "made anew",
    Action.DELETE: "deleted",
    Action.UNCHANGED: "unchanged",
}
"""How people are told what was done."""
