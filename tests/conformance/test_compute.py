"""Clusters, cluster policies, instance pools and libraries, as Databricks' clients know them."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceDoesNotExist,
)
from databricks.sdk.errors.platform import InvalidState, ResourceAlreadyExists
from databricks.sdk.service.compute import (
    ClusterPolicyAccessControlRequest,
    ClusterPolicyPermissionLevel,
    ClusterSpec,
    GlobalInitScriptDetails,
    InstancePoolAccessControlRequest,
    InstancePoolPermissionLevel,
    Library,
    ListClustersFilterBy,
    ListSortColumn,
    PythonPyPiLibrary,
    State,
)
from databricks.sdk.service.jobs import JobCluster, SparkPythonTask, Task

from tests.conformance.conftest import AsUser

_RULES = {
    "num_workers": {"type": "range", "maxValue": 2},
    "spark_conf.spark.sql.shuffle.partitions": {"type": "fixed", "value": "3"},
}


def _new_name(what: str) -> str:
    return f"{what}-{uuid.uuid4().hex[:8]}"


def _task(**cluster: Any) -> Task:
    """A task on a cluster of its own; the file need not be there to make a job."""
    program = SparkPythonTask(python_file="/Shared/none.py")
    return Task(task_key="t", spark_python_task=program, new_cluster=ClusterSpec(**cluster))


def test_profiles_are_clusters_that_run(sdk: WorkspaceClient) -> None:
    found = {each.cluster_id: each for each in sdk.clusters.list()}
    default = sdk.clusters.get("default")
    assert found["default"] == default
    assert default.state is State.RUNNING
    sdk.clusters.ensure_cluster_is_running("default")
    assert sdk.clusters.wait_get_cluster_running("default").cluster_name == "default"
    stopped = ListClustersFilterBy(cluster_states=[State.TERMINATED])
    assert list(sdk.clusters.list(filter_by=stopped)) == []
    assert list(sdk.clusters.events("default")) == []


@pytest.mark.refused("clusters.start", "a compute profile runs always: INVALID_STATE")
@pytest.mark.refused("clusters.start_and_wait", "a compute profile runs always: INVALID_STATE")
def test_what_runs_is_not_started(sdk: WorkspaceClient) -> None:
    with pytest.raises(InvalidState, match="unexpected state Running"):
        sdk.clusters.start("default")
    with pytest.raises(InvalidState):
        sdk.clusters.start_and_wait("default")


def test_an_unknown_cluster_is_not_there(sdk: WorkspaceClient) -> None:
    with pytest.raises(ResourceDoesNotExist, match=r"^Cluster 0123 does not exist"):
        sdk.clusters.get("0123")
    with pytest.raises(ResourceDoesNotExist):
        sdk.libraries.cluster_status("0123")
    with pytest.raises(InvalidParameterValue, match=r"there are .*default"):
        task = Task(
            task_key="t",
            spark_python_task=SparkPythonTask(python_file="/x.py"),
            existing_cluster_id="0123",
        )
        sdk.jobs.create(name="lost", tasks=[task])


def test_what_a_cluster_may_be_made_of(sdk: WorkspaceClient) -> None:
    versions = {each.key for each in sdk.clusters.spark_versions().versions or []}
    assert sdk.clusters.select_spark_version(long_term_support=True) in versions
    chosen = sdk.clusters.select_spark_version(scala="2.13", spark_version="4.1")
    assert chosen.endswith("scala2.13")
    nodes = {each.node_type_id for each in sdk.clusters.list_node_types().node_types or []}
    assert sdk.clusters.select_node_type(local_disk=True, min_cores=1) in nodes
    assert "default" in nodes
    zones = sdk.clusters.list_zones()
    assert zones.default_zone in (zones.zones or [])


_CLUSTER = "clusters are compute profiles of the stack's settings"
_REFUSED: dict[str, tuple[str, Callable[[WorkspaceClient], Any]]] = {
    "clusters.create": (_CLUSTER, lambda sdk: sdk.clusters.create("18.0.x-scala2.13")),
    "clusters.create_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.create_and_wait("18.0")),
    "clusters.edit": (_CLUSTER, lambda sdk: sdk.clusters.edit("default", "18.0")),
    "clusters.edit_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.edit_and_wait("default", "18")),
    "clusters.update": (_CLUSTER, lambda sdk: sdk.clusters.update("default", "num_workers")),
    "clusters.update_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.update_and_wait("d", "x")),
    "clusters.resize": (_CLUSTER, lambda sdk: sdk.clusters.resize("default", num_workers=2)),
    "clusters.resize_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.resize_and_wait("default")),
    "clusters.restart": (_CLUSTER, lambda sdk: sdk.clusters.restart("default")),
    "clusters.restart_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.restart_and_wait("default")),
    "clusters.delete": (_CLUSTER, lambda sdk: sdk.clusters.delete("default")),
    "clusters.delete_and_wait": (_CLUSTER, lambda sdk: sdk.clusters.delete_and_wait("default")),
    "clusters.permanent_delete": (_CLUSTER, lambda sdk: sdk.clusters.permanent_delete("default")),
    "clusters.pin": (_CLUSTER, lambda sdk: sdk.clusters.pin("default")),
    "clusters.unpin": (_CLUSTER, lambda sdk: sdk.clusters.unpin("default")),
    "clusters.change_owner": (_CLUSTER, lambda sdk: sdk.clusters.change_owner("default", "a@x")),
    "libraries.install": (
        "a profile's packages are in the stack's settings",
        lambda sdk: sdk.libraries.install("default", [Library(whl="/x.whl")]),
    ),
    "libraries.uninstall": (
        "a profile's packages are in the stack's settings",
        lambda sdk: sdk.libraries.uninstall("default", [Library(whl="/x.whl")]),
    ),
    "command_execution.create": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.create(cluster_id="default"),
    ),
    "command_execution.execute": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.execute(cluster_id="default", command="1"),
    ),
    "command_execution.context_status": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.context_status("default", "1"),
    ),
    "command_execution.command_status": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.command_status("default", "1", "2"),
    ),
    "command_execution.cancel": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.cancel(cluster_id="default"),
    ),
    "command_execution.destroy": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.destroy("default", "1"),
    ),
    "policy_compliance_for_clusters.enforce_compliance": (
        "what a policy fixes is filled in when a run begins",
        lambda sdk: sdk.policy_compliance_for_clusters.enforce_compliance("default"),
    ),
    "policy_compliance_for_jobs.enforce_compliance": (
        "what a policy fixes is filled in when a run begins",
        lambda sdk: sdk.policy_compliance_for_jobs.enforce_compliance(1),
    ),
    "global_init_scripts.create": (
        "no scripts run before a task",
        lambda sdk: sdk.global_init_scripts.create("x", "eA=="),
    ),
    "command_execution.create_and_wait": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.create_and_wait(cluster_id="default"),
    ),
    "command_execution.execute_and_wait": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.execute_and_wait(cluster_id="default", command="1"),
    ),
    "command_execution.cancel_and_wait": (
        "no commands run outside jobs",
        lambda sdk: sdk.command_execution.cancel_and_wait(cluster_id="default"),
    ),
    "global_init_scripts.get": (
        "no scripts run before a task",
        lambda sdk: sdk.global_init_scripts.get("1"),
    ),
    "global_init_scripts.update": (
        "no scripts run before a task",
        lambda sdk: sdk.global_init_scripts.update("1", "x", "eA=="),
    ),
    "global_init_scripts.delete": (
        "no scripts run before a task",
        lambda sdk: sdk.global_init_scripts.delete("1"),
    ),
    "instance_profiles.edit": (
        "there are no machines of a cloud",
        lambda sdk: sdk.instance_profiles.edit("arn:aws:iam::1:instance-profile/x"),
    ),
    "instance_profiles.remove": (
        "there are no machines of a cloud",
        lambda sdk: sdk.instance_profiles.remove("arn:aws:iam::1:instance-profile/x"),
    ),
    "global_init_scripts.list": (
        "no scripts run before a task",
        lambda sdk: _all(sdk.global_init_scripts.list()),
    ),
    "instance_profiles.add": (
        "there are no machines of a cloud",
        lambda sdk: sdk.instance_profiles.add("arn:aws:iam::1:instance-profile/x"),
    ),
    "instance_profiles.list": (
        "there are no machines of a cloud",
        lambda sdk: _all(sdk.instance_profiles.list()),
    ),
}


def _all(found: Any) -> list[GlobalInitScriptDetails]:
    return list(found)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, marks=pytest.mark.refused(method, why), id=method)
        for method, (why, _) in _REFUSED.items()
    ],
)
def test_what_there_is_not_is_refused_with_what_to_do(sdk: WorkspaceClient, method: str) -> None:
    with pytest.raises(NotImplemented, match="OpenLake does not serve this: "):
        _REFUSED[method][1](sdk)


@pytest.mark.refused("clusters.wait_get_cluster_terminated", "a compute profile runs always")
def test_a_profile_never_terminates(sdk: WorkspaceClient) -> None:
    with pytest.raises(TimeoutError):
        sdk.clusters.wait_get_cluster_terminated("default", timeout=timedelta(milliseconds=1))


_OPEN = "everybody of the workspace may run on every compute profile"


@pytest.mark.refused("clusters.get_permissions", _OPEN)
@pytest.mark.refused("clusters.get_permission_levels", _OPEN)
@pytest.mark.refused("clusters.set_permissions", _OPEN)
@pytest.mark.refused("clusters.update_permissions", _OPEN)
def test_profiles_have_no_permissions(sdk: WorkspaceClient) -> None:
    for ask in (
        sdk.clusters.get_permissions,
        sdk.clusters.get_permission_levels,
        sdk.clusters.set_permissions,
        sdk.clusters.update_permissions,
    ):
        with pytest.raises(InvalidParameterValue, match=r"everybody.* may run"):
            ask("default")


def test_libraries_of_the_profiles(sdk: WorkspaceClient) -> None:
    of_default = list(sdk.libraries.cluster_status("default"))
    (listed,) = [
        each for each in sdk.libraries.all_cluster_statuses() if each.cluster_id == "default"
    ]
    assert (listed.library_statuses or []) == of_default


@pytest.mark.partly(
    "cluster_policies.create",
    "`policy_family_id` is refused, there are no families; and `max_clusters_per_user`: clusters"
    " live as long as their runs, which `max_concurrent_runs` and quotas limit",
)
@pytest.mark.partly("cluster_policies.edit", "the same as `create`")
def test_a_policy_is_made_changed_listed_and_deleted(sdk: WorkspaceClient) -> None:
    name = _new_name("policy")
    libraries = [Library(pypi=PythonPyPiLibrary(package="six"))]
    made = sdk.cluster_policies.create(
        name=name, definition=json.dumps(_RULES), description="small", libraries=libraries
    )
    policy_id = made.policy_id or ""
    read = sdk.cluster_policies.get(policy_id)
    assert (read.name, read.libraries, read.is_default) == (name, libraries, False)
    assert json.loads(read.definition or "") == _RULES
    by_name = sdk.cluster_policies.list(sort_column=ListSortColumn.POLICY_NAME)
    assert policy_id in [each.policy_id for each in by_name]
    with pytest.raises(ResourceAlreadyExists):
        sdk.cluster_policies.create(name=name, definition="{}")
    sdk.cluster_policies.edit(policy_id, name=f"{name}-2", definition="{}")
    assert sdk.cluster_policies.get(policy_id).definition == "{}"
    sdk.cluster_policies.delete(policy_id)
    with pytest.raises(ResourceDoesNotExist):
        sdk.cluster_policies.get(policy_id)
    with pytest.raises(InvalidParameterValue, match="clusters have no attribute 'nodes'"):
        sdk.cluster_policies.create(name=name, definition='{"nodes": {"type": "forbidden"}}')
    with pytest.raises(InvalidParameterValue, match="there are no policy families"):
        sdk.cluster_policies.create(name=name, policy_family_id="job-cluster")
    with pytest.raises(InvalidParameterValue, match="limit those with the job's"):
        sdk.cluster_policies.create(name=name, definition="{}", max_clusters_per_user=1)


def test_jobs_keep_to_their_policies(sdk: WorkspaceClient) -> None:
    policy_id = sdk.cluster_policies.create(
        name=_new_name("policy"), definition=json.dumps(_RULES)
    ).policy_id
    with pytest.raises(InvalidParameterValue, match="num_workers must be at most 2, it is 3"):
        sdk.jobs.create(name="wide", tasks=[_task(policy_id=policy_id, num_workers=3)])
    shared = JobCluster(
        job_cluster_key="c", new_cluster=ClusterSpec(policy_id=policy_id, num_workers=3)
    )
    program = SparkPythonTask(python_file="/x.py")
    task = Task(task_key="t", job_cluster_key="c", spark_python_task=program)
    with pytest.raises(InvalidParameterValue, match=r"job_clusters\[c\].num_workers"):
        sdk.jobs.create(name="wide", tasks=[task], job_clusters=[shared])
    job = sdk.jobs.create(name="narrow", tasks=[_task(policy_id=policy_id, num_workers=2)])
    job_id = job.job_id or 0
    assert sdk.policy_compliance_for_jobs.get_compliance(job_id).is_compliant
    tighter = {"num_workers": {"type": "range", "maxValue": 1}}
    sdk.cluster_policies.edit(policy_id or "", definition=json.dumps(tighter))
    (listed,) = sdk.policy_compliance_for_jobs.list_compliance(policy_id or "")
    assert (listed.job_id, listed.is_compliant) == (job_id, False)
    violations = sdk.policy_compliance_for_jobs.get_compliance(job_id).violations or {}
    assert list(violations) == ["tasks[t].new_cluster.num_workers"]
    with pytest.raises(InvalidParameterValue, match="at most 1, it is 2"):
        sdk.jobs.run_now(job_id)
    assert list(sdk.policy_compliance_for_clusters.list_compliance(policy_id or "")) == []
    assert sdk.policy_compliance_for_clusters.get_compliance("default").is_compliant
    sdk.jobs.delete(job_id)
    sdk.cluster_policies.delete(policy_id or "")


def test_policies_are_used_by_those_who_may(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, as_user: AsUser
) -> None:
    made = sdk.cluster_policies.create(name=_new_name("policy"), definition="{}")
    policy_id, user = made.policy_id or "", as_user("policies")
    with pytest.raises(NotFound):
        other_workspace.cluster_policies.get(policy_id)
    with pytest.raises(PermissionDenied):
        user.cluster_policies.get(policy_id)
    with pytest.raises(PermissionDenied, match="CAN_USE is needed"):
        user.jobs.create(name="mine", tasks=[_task(policy_id=policy_id)])
    grant = ClusterPolicyAccessControlRequest(
        user_name="policies@conformance", permission_level=ClusterPolicyPermissionLevel.CAN_USE
    )
    sdk.cluster_policies.update_permissions(policy_id, access_control_list=[grant])
    held = sdk.cluster_policies.get_permissions(policy_id).access_control_list or []
    assert "policies@conformance" in [each.user_name for each in held]
    assert user.cluster_policies.get(policy_id).policy_id == policy_id
    levels = sdk.cluster_policies.get_permission_levels(policy_id).permission_levels or []
    assert [each.permission_level for each in levels] == [ClusterPolicyPermissionLevel.CAN_USE]
    sdk.cluster_policies.set_permissions(policy_id, access_control_list=[])
    with pytest.raises(PermissionDenied):
        user.cluster_policies.get(policy_id)
    sdk.cluster_policies.delete(policy_id)


@pytest.mark.refused("policy_families.get", "there are none: RESOURCE_DOES_NOT_EXIST")
def test_there_are_no_policy_families(sdk: WorkspaceClient) -> None:
    assert list(sdk.policy_families.list()) == []
    with pytest.raises(ResourceDoesNotExist):
        sdk.policy_families.get("job-cluster")


def test_a_pool_is_made_changed_listed_shared_and_deleted(
    sdk: WorkspaceClient, other_workspace: WorkspaceClient, as_user: AsUser
) -> None:
    name, user = _new_name("pool"), as_user("pools")
    made = sdk.instance_pools.create(name, "default", min_idle_instances=1)
    pool_id = made.instance_pool_id or ""
    read = sdk.instance_pools.get(pool_id)
    assert (read.instance_pool_name, read.node_type_id) == (name, "default")
    assert read.stats is not None and read.stats.used_count == 0
    with pytest.raises(ResourceAlreadyExists):
        sdk.instance_pools.create(name, "default")
    sdk.instance_pools.edit(pool_id, f"{name}-2", "i3.xlarge", max_capacity=4)
    (listed,) = [each for each in sdk.instance_pools.list() if each.instance_pool_id == pool_id]
    assert (listed.node_type_id, listed.max_capacity) == ("i3.xlarge", 4)
    with pytest.raises(NotFound):
        other_workspace.instance_pools.get(pool_id)
    task = _task(instance_pool_id=pool_id)
    with pytest.raises(PermissionDenied, match="CAN_ATTACH_TO is needed"):
        user.jobs.create(name="mine", tasks=[task])
    grant = InstancePoolAccessControlRequest(
        user_name="pools@conformance", permission_level=InstancePoolPermissionLevel.CAN_ATTACH_TO
    )
    sdk.instance_pools.set_permissions(pool_id, access_control_list=[grant])
    sdk.instance_pools.update_permissions(pool_id, access_control_list=[grant])
    held = sdk.instance_pools.get_permissions(pool_id).access_control_list or []
    assert "pools@conformance" in [each.user_name for each in held]
    levels = sdk.instance_pools.get_permission_levels(pool_id).permission_levels or []
    assert InstancePoolPermissionLevel.CAN_MANAGE in [each.permission_level for each in levels]
    job_id = user.jobs.create(name="mine", tasks=[task]).job_id or 0
    user.jobs.delete(job_id)
    sdk.instance_pools.delete(pool_id)
    with pytest.raises(ResourceDoesNotExist):
        sdk.instance_pools.get(pool_id)
