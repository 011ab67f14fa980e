"""Compute profiles in the shapes of clusters, node types and libraries."""

import os
import re
from collections.abc import Mapping
from importlib.metadata import version

from spec.api.compute import (
    ClusterLibraries,
    ClusterView,
    LibraryStatus,
    NodeInstanceType,
    NodeType,
    SparkVersion,
)
from spec.compute import RUNTIMES, ComputeProfile
from spec.errors import NotFound

_LOCAL = re.compile(r"local\[(\d+|\*)(?:,\d+)?\]")
_DEFAULT_CORES = 2.0
"""Of Spark's master where a profile names none; see `docs/compute.md`."""
_MEMORY = re.compile(r"(\d+)([kmgt]?)b?", re.IGNORECASE)
_IN_MIB = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}
_DEFAULT_MIB = 1024
_SECRET = re.compile("secret|password|token|credential|access[._]?key|api[._]?key", re.IGNORECASE)
_REDACTED = "[REDACTED]"


def profile_named(profiles: Mapping[str, ComputeProfile], cluster_id: str) -> ComputeProfile:
    """Return the profile that a cluster's id names.

    Raises:
        NotFound: there is none; the message begins as Databricks' clients expect.
    """
    if cluster_id not in profiles:
        there = ", ".join(sorted(profiles)) or "none"
        raise NotFound(
            f"Cluster {cluster_id} does not exist; clusters are compute profiles of OpenLake's"
            f" configuration, and there are: {there}",
            cluster_id=cluster_id,
        )
    return profiles[cluster_id]


def cluster(name: str, profile: ComputeProfile) -> ClusterView:
    """Return a profile as a cluster that runs; settings that may be secret are not shown."""
    return ClusterView(
        cluster_id=name,
        cluster_name=name,
        spark_version=RUNTIMES[0],
        node_type_id=name,
        driver_node_type_id=name,
        cluster_cores=_cores(profile),
        cluster_memory_mb=_memory_mb(profile),
        spark_conf=_shown(profile.spark_conf),
        spark_env_vars=_shown(profile.spark_env_vars),
        default_tags={"Vendor": "OpenLake", "ClusterName": name, "ClusterId": name},
    )


def _shown(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: _REDACTED if _SECRET.search(name) else value for name, value in settings.items()}


def node_type(name: str, profile: ComputeProfile) -> NodeType:
    """Return a profile as a node type; what a job names as `node_type_id` is the profile."""
    return NodeType(
        node_type_id=name,
        instance_type_id=name,
        description=f"The compute profile '{name}'",
        num_cores=_cores(profile),
        memory_mb=_memory_mb(profile),
        node_instance_type=NodeInstanceType(instance_type_id=name),
    )


def _cores(profile: ComputeProfile) -> float:
    found = _LOCAL.fullmatch(profile.spark_conf.get("spark.master", ""))
    if found is None:
        return _DEFAULT_CORES
    return float(os.cpu_count() or 1) if found[1] == "*" else float(found[1])


def _memory_mb(profile: ComputeProfile) -> int:
    found = _MEMORY.fullmatch(profile.spark_conf.get("spark.driver.memory", ""))
    return _DEFAULT_MIB if found is None else int(int(found[1]) * _IN_MIB[found[2].lower() or "m"])


def libraries(name: str, profile: ComputeProfile) -> ClusterLibraries:
    """Return what tasks on a profile find beside their own libraries."""
    return ClusterLibraries(
        cluster_id=name,
        library_statuses=tuple(
            LibraryStatus(library={"pypi": {"package": line}}) for line in profile.dependencies
        ),
    )


def spark_versions() -> tuple[SparkVersion, ...]:
    """Return the names that the workers' one Spark has; a second one for other clients."""
    includes = f"includes Apache Spark {version('pyspark')}, Scala 2.13"
    first, *others = (key.partition(".x")[0] for key in RUNTIMES)
    names = [f"{first} LTS ({includes})"]
    names += [f"{each} LTS (the same: {includes})" for each in others]
    return tuple(
        SparkVersion(key=key, name=name) for key, name in zip(RUNTIMES, names, strict=True)
    )
