"""Requests and answers of cluster policies, instance pools, clusters and their libraries.

Databricks' Cluster Policies API 2.0, Instance Pools API 2.0, Clusters API 2.1, Libraries API 2.0.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from spec.attempts import Frozen
from spec.compute import Library
from spec.model import Model, Text
from spec.policies import parse

SortColumn = Literal["POLICY_CREATION_TIME", "POLICY_NAME"]
SortOrder = Literal["ASC", "DESC"]


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("a NUL character stands in it")
    return value


def _readable(value: str) -> str:
    parse(value)
    return value


Line = Annotated[str, AfterValidator(_no_nul)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_no_nul)]
Definition = Annotated[str, AfterValidator(_no_nul), AfterValidator(_readable)]
Id = Annotated[str, Field(min_length=1, max_length=100)]
Tags = Annotated[dict[Line, Text], Field(max_length=45)]

# Cluster policies -----------------------------------------------------------------------------


class _PolicyFields(Model):
    definition: Definition | None = None
    """JSON as text, attribute path → rule; see `spec.policies`."""
    description: Annotated[Line, Field(max_length=1000)] | None = None
    libraries: Annotated[tuple[Library, ...], Field(max_length=500)] | None = None
    """Added to the libraries of every task that runs on a cluster of the policy."""
    max_clusters_per_user: int | None = Field(default=None, ge=1)
    policy_family_id: str | None = None
    policy_family_definition_overrides: str | None = None


class CreatePolicy(_PolicyFields):
    """Request of `policies/clusters/create`."""

    name: Name


class EditPolicy(_PolicyFields):
    """Request of `policies/clusters/edit`; what is left out stays as it is."""

    policy_id: Id
    name: Name | None = None


class PolicyRef(Model):
    """Names a cluster policy."""

    policy_id: Id


class PolicyView(Frozen):
    """A cluster policy."""

    policy_id: str
    name: str
    definition: str
    description: str | None = None
    libraries: tuple[dict[str, Any], ...] | None = None
    creator_user_name: str
    created_at_timestamp: int
    """Epoch milliseconds."""
    is_default: bool = False


class PolicyId(Frozen):
    """Answer of `policies/clusters/create`."""

    policy_id: str


class PolicyList(Frozen):
    """Answer of `policies/clusters/list`."""

    policies: tuple[PolicyView, ...]
    total_count: int


class PolicyFamilyList(Frozen):
    """Answer of `policy-families`; there are none."""

    policy_families: tuple[dict[str, Any], ...] = ()


class Compliance(Frozen):
    """Whether something keeps to its policies as they are now."""

    is_compliant: bool
    violations: dict[str, str] | None = None
    """`<cluster>.<attribute path>` → what it must be; up to 200."""


class JobCompliance(Compliance):
    """Whether a job keeps to its policies as they are now."""

    job_id: int


class JobComplianceList(Frozen):
    """Answer of `policies/jobs/list-compliance`."""

    jobs: tuple[JobCompliance, ...]
    next_page_token: str | None = None


class ClusterComplianceList(Frozen):
    """Answer of `policies/clusters/list-compliance`: no profile follows a policy."""

    clusters: tuple[dict[str, Any], ...] = ()


# Instance pools -------------------------------------------------------------------------------


class _PoolFields(Model):
    instance_pool_name: Name
    node_type_id: Name
    """A compute profile's name, or any other text, which is kept without effect."""
    custom_tags: Tags | None = None
    min_idle_instances: int | None = Field(default=None, ge=0)
    """This and the next two are kept without effect: there are no machines that wait."""
    max_capacity: int | None = Field(default=None, ge=0)
    idle_instance_autotermination_minutes: int | None = Field(default=None, ge=0, le=10_000)


class CreatePool(_PoolFields):
    """Request of `instance-pools/create`; attributes of a cloud are kept without effect."""

    aws_attributes: dict[Line, Any] | None = None
    azure_attributes: dict[Line, Any] | None = None
    gcp_attributes: dict[Line, Any] | None = None
    enable_elastic_disk: bool | None = None


class EditPool(_PoolFields):
    """Request of `instance-pools/edit`; what is left out stays as it is."""

    instance_pool_id: Id


class PoolRef(Model):
    """Names an instance pool."""

    instance_pool_id: Id


class PoolId(Frozen):
    """Answer of `instance-pools/create`."""

    instance_pool_id: str


class PoolStats(Frozen):
    """Machines of a pool: none, as work runs on the engine workers."""

    used_count: int = 0
    idle_count: int = 0
    pending_used_count: int = 0
    pending_idle_count: int = 0


class PoolView(Frozen):
    """An instance pool."""

    instance_pool_id: str
    instance_pool_name: str
    node_type_id: str
    custom_tags: dict[str, str] = {}
    default_tags: dict[str, str] = {}
    min_idle_instances: int | None = None
    max_capacity: int | None = None
    idle_instance_autotermination_minutes: int | None = None
    aws_attributes: dict[str, Any] | None = None
    azure_attributes: dict[str, Any] | None = None
    gcp_attributes: dict[str, Any] | None = None
    enable_elastic_disk: bool | None = None
    state: str = "ACTIVE"
    stats: PoolStats = PoolStats()
    status: dict[str, Any] = {}


class PoolList(Frozen):
    """Answer of `instance-pools/list`."""

    instance_pools: tuple[PoolView, ...]


# Clusters -------------------------------------------------------------------------------------


class ClusterRef(Model):
    """Names a cluster."""

    cluster_id: Id


class ClusterView(Frozen):
    """A compute profile as a cluster."""

    cluster_id: str
    """The profile's name."""
    cluster_name: str
    spark_version: str
    node_type_id: str
    driver_node_type_id: str
    num_workers: int = 0
    cluster_cores: float
    cluster_memory_mb: int
    spark_conf: dict[str, str]
    spark_env_vars: dict[str, str]
    autotermination_minutes: int = 0
    cluster_source: str = "API"
    default_tags: dict[str, str]
    state: str = "RUNNING"
    state_message: str = ""


class ClusterList(Frozen):
    """Answer of `clusters/list`."""

    clusters: tuple[ClusterView, ...]


class ClusterEvents(Frozen):
    """Answer of `clusters/events`: nothing happens to a profile."""

    events: tuple[dict[str, Any], ...] = ()
    total_count: int = 0


class AskEvents(Model):
    """Request of `clusters/events`; the filters choose among no events."""

    cluster_id: Id
    start_time: int | None = None
    end_time: int | None = None
    event_types: tuple[str, ...] | None = None
    order: SortOrder | None = None
    limit: int | None = Field(default=None, ge=0)
    offset: int | None = Field(default=None, ge=0)
    page_size: int | None = Field(default=None, ge=0)
    page_token: str | None = None


class SparkVersion(Frozen):
    """One `spark_version`."""

    key: str
    name: str


class SparkVersions(Frozen):
    """Answer of `clusters/spark-versions`."""

    versions: tuple[SparkVersion, ...]


class NodeInstanceType(Frozen):
    """The disks of a node type."""

    instance_type_id: str
    local_disks: int = 1
    local_disk_size_gb: int = 0
    """Not known: it is the worker's disk."""
    local_nvme_disks: int = 0
    local_nvme_disk_size_gb: int = 0


class NodeType(Frozen):
    """A compute profile as a node type."""

    node_type_id: str
    description: str
    instance_type_id: str
    num_cores: float
    memory_mb: int
    category: str = "General Purpose"
    num_gpus: int = 0
    is_deprecated: bool = False
    is_hidden: bool = False
    is_graviton: bool = False
    is_io_cache_enabled: bool = False
    is_encrypted_in_transit: bool = False
    photon_driver_capable: bool = False
    photon_worker_capable: bool = False
    support_port_forwarding: bool = False
    support_cluster_tags: bool = False
    support_ebs_volumes: bool = False
    display_order: int = 0
    node_instance_type: NodeInstanceType


class NodeTypes(Frozen):
    """Answer of `clusters/list-node-types`."""

    node_types: tuple[NodeType, ...]


class Zones(Frozen):
    """Answer of `clusters/list-zones`."""

    zones: tuple[str, ...]
    default_zone: str


class LibraryStatus(Frozen):
    """A library of a cluster."""

    library: dict[str, Any]
    status: str = "INSTALLED"
    is_library_for_all_clusters: bool = False


class ClusterLibraries(Frozen):
    """Answer of `libraries/cluster-status`."""

    cluster_id: str
    library_statuses: tuple[LibraryStatus, ...]


class AllClusterLibraries(Frozen):
    """Answer of `libraries/all-cluster-statuses`."""

    statuses: tuple[ClusterLibraries, ...]
