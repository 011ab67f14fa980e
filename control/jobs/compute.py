"""What policies and pools make of a job's clusters: when a job is made, and when a run begins."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.jobs.materials import check_profiles
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.policies import store as policies
from control.policies.tables import ClusterPolicy
from control.pools import store as pools
from spec.compute import ClusterSpec, ComputeProfile, Library
from spec.errors import Invalid
from spec.jobs import JobSettings
from spec.policies import fill, parse, violations
from spec.tasks import Task

_WITH_LIBRARIES = frozenset(
    (
        "notebook_task",
        "spark_python_task",
        "python_wheel_task",
        "spark_jar_task",
        "spark_submit_task",
    )
)
"""Task types to which a policy's libraries are added."""


class Breach(NamedTuple):
    """What a policy does not allow of a cluster."""

    place: str
    """Where the cluster stands: `job_clusters[<key>]` or `tasks[<key>].new_cluster`."""
    path: str
    """The cluster's attribute."""
    rule: str
    """What it must be, and what it is."""

    def __str__(self) -> str:
        """Spell it for a message."""
        return f"{self.place}.{self.path} {self.rule}"


async def resolve(
    session: AsyncSession,
    caller: Caller,
    settings: JobSettings,
    profiles: Mapping[str, ComputeProfile],
) -> JobSettings:
    """Return settings whose clusters have what their policies fix, and the profile they run on.

    Args:
        session: To look policies, pools and people up.
        caller: Who makes the job, or whose rights the run has.
        settings: The settings; they keep to the policies as these are now, or are refused.
        profiles: The compute profiles there are.

    Raises:
        Invalid: a policy, a pool or a profile does not exist, or clusters break their policies;
            names every attribute with its rule.
        Forbidden: the caller may not use a policy or a pool.
    """
    resolver = _Resolver(session, caller.workspace_id, profiles)
    if any(resolver.concerns(cluster) for _, cluster in _clusters(settings)):
        await _require_use(session, caller, settings)
        settings = await resolver.settings(settings)
        if resolver.breaches:
            told = "; ".join(str(breach) for breach in resolver.breaches)
            raise Invalid(f"clusters break their policies: {told}")
    check_profiles(settings, profiles)
    return settings


async def breaches(
    session: AsyncSession,
    workspace_id: int,
    settings: JobSettings,
    profiles: Mapping[str, ComputeProfile],
) -> tuple[Breach, ...]:
    """Return what the policies do not allow of a job's clusters, as they are now."""
    resolver = _Resolver(session, workspace_id, profiles)
    await resolver.settings(settings)
    return tuple(resolver.breaches)


def _clusters(settings: JobSettings) -> Iterator[tuple[str, ClusterSpec]]:
    for shared in settings.job_clusters:
        yield f"job_clusters[{shared.job_cluster_key}]", shared.new_cluster
    for task in settings.every_task():
        if task.new_cluster is not None:
            yield f"tasks[{task.task_key}].new_cluster", task.new_cluster


async def _require_use(session: AsyncSession, who: Caller, settings: JobSettings) -> None:
    """Let only those pass who may use what the clusters name; what is not there is told later."""
    for _, cluster in _clusters(settings):
        policy_id = cluster.policy_id
        if policy_id and await policies.find(session, who.workspace_id, policy_id):
            await require(session, who, Kind.CLUSTER_POLICY, policy_id, Level.CAN_USE)
        for pool_id in (cluster.instance_pool_id, cluster.driver_instance_pool_id):
            if pool_id and await pools.find(session, who.workspace_id, pool_id):
                await require(session, who, Kind.INSTANCE_POOL, pool_id, Level.CAN_ATTACH_TO)


class _Resolver:
    """Rewrites the clusters of one job; each policy and pool is looked up once."""

    def __init__(
        self, session: AsyncSession, workspace_id: int, profiles: Mapping[str, ComputeProfile]
    ) -> None:
        self._session = session
        self._workspace_id = workspace_id
        self._profiles = profiles
        self._policies: dict[str, ClusterPolicy | None] = {}
        self._nodes: dict[str, str | None] = {}
        self._shared: dict[str, ClusterPolicy | None] = {}
        """Job cluster key → its policy."""
        self.breaches: list[Breach] = []

    def concerns(self, cluster: ClusterSpec) -> bool:
        """Tell whether there is anything to be found out about a cluster."""
        named = (cluster.policy_id, cluster.instance_pool_id, cluster.driver_instance_pool_id)
        return any(named) or cluster.node_type_id in self._profiles

    async def settings(self, settings: JobSettings) -> JobSettings:
        """Return a job with its clusters rewritten."""
        shared = list(settings.job_clusters)
        for n, each in enumerate(shared):
            place = f"job_clusters[{each.job_cluster_key}]"
            made = await self._cluster(place, each.new_cluster)
            shared[n] = each.model_copy(update={"new_cluster": made})
            self._shared[each.job_cluster_key] = await self._policy(each.new_cluster.policy_id)
        tasks = [await self._task(task) for task in settings.tasks]
        return settings.model_copy(update={"job_clusters": tuple(shared), "tasks": tuple(tasks)})

    async def _task(self, task: Task) -> Task:
        if task.for_each_task is not None:
            inner = await self._task(task.for_each_task.task)
            loop = task.for_each_task.model_copy(update={"task": inner})
            return task.model_copy(update={"for_each_task": loop})
        policy = self._shared.get(task.job_cluster_key or "")
        if task.new_cluster is not None:
            place = f"tasks[{task.task_key}].new_cluster"
            made = await self._cluster(place, task.new_cluster)
            policy = await self._policy(task.new_cluster.policy_id)
            task = task.model_copy(update={"new_cluster": made})
        if policy is None or not policy.libraries or task.kind not in _WITH_LIBRARIES:
            return task
        own = task.libraries or ()
        added = [Library.model_validate(each) for each in policy.libraries]
        return task.model_copy(
            update={"libraries": (*own, *(each for each in added if each not in own))}
        )

    async def _cluster(self, place: str, cluster: ClusterSpec) -> ClusterSpec:
        policy = await self._policy(cluster.policy_id)
        if policy is not None:
            cluster = self._by_policy(place, cluster, policy)
        elif cluster.policy_id:
            self._breach(place, "policy_id", f"is {cluster.policy_id}, there is no such policy")
        return await self._with_profile(place, cluster)

    def _by_policy(self, place: str, cluster: ClusterSpec, policy: ClusterPolicy) -> ClusterSpec:
        rules = parse(policy.definition)
        given = cluster.model_dump(exclude_none=True)
        filled = fill(rules, given, defaults=bool(cluster.apply_policy_default_values))
        suffix = f" (policy '{policy.name}')"
        for violation in violations(rules, filled):
            self._breach(place, violation.path, violation.rule + suffix)
        try:
            return ClusterSpec.model_validate(filled)
        except ValidationError as error:
            mistake = error.errors(include_url=False)[0]
            path = ".".join(str(part) for part in mistake["loc"]) or "policy_id"
            why = mistake["msg"].removeprefix("Value error, ")
            self._breach(place, path, f"cannot be what the policy makes it: {why}{suffix}")
            return cluster

    async def _with_profile(self, place: str, cluster: ClusterSpec) -> ClusterSpec:
        node = cluster.node_type_id
        if cluster.driver_instance_pool_id:
            await self._node(place, "driver_instance_pool_id", cluster.driver_instance_pool_id)
        if cluster.instance_pool_id:
            node = await self._node(place, "instance_pool_id", cluster.instance_pool_id)
        if cluster.compute_profile is not None or node not in self._profiles:
            return cluster
        return cluster.model_copy(update={"compute_profile": node})

    async def _node(self, place: str, field: str, pool_id: str) -> str | None:
        """Return the node type of a pool."""
        if pool_id not in self._nodes:
            pool = await pools.find(self._session, self._workspace_id, pool_id)
            self._nodes[pool_id] = None if pool is None else pool.node_type_id
        if self._nodes[pool_id] is None:
            self._breach(place, field, f"is {pool_id}, there is no such instance pool")
        return self._nodes[pool_id]

    async def _policy(self, policy_id: str | None) -> ClusterPolicy | None:
        if not policy_id:
            return None
        if policy_id not in self._policies:
            found = await policies.find(self._session, self._workspace_id, policy_id)
            self._policies[policy_id] = found
        return self._policies[policy_id]

    def _breach(self, place: str, path: str, rule: str) -> None:
        self.breaches.append(Breach(place, path, rule))
