"""What a task runs on: clusters, libraries and environments, in Databricks' shapes.

Clusters are not machines here: their Spark configuration and variables reach the task's own Spark
driver; what sizes machines of a cloud is accepted without effect (see `docs/jobs.md`).
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from spec.model import Model, Text
from spec.requirements import check_lines
from spec.spark_conf import check_conf, check_variables


def _sound_conf(value: dict[str, str]) -> dict[str, str]:
    check_conf(value)
    return value


def _sound_variables(value: dict[str, str]) -> dict[str, str]:
    check_variables(value)
    return value


def _sound_lines(value: tuple[str, ...]) -> tuple[str, ...]:
    check_lines(value)
    return value


Requirements = Annotated[tuple[str, ...], AfterValidator(_sound_lines)]
SparkConf = Annotated[dict[str, Text], AfterValidator(_sound_conf)]
Variables = Annotated[dict[str, Text], AfterValidator(_sound_variables)]


RUNTIMES = ("18.0.x-scala2.13", "18.0.x-scala2.12")
"""What `spark_version` calls the workers' Spark (4.1), the newest Databricks Runtime with it.

The second is for clients that look for Scala 2.12 unless told otherwise, as Databricks' SDK does;
it is the same Spark.
"""


class ComputeProfile(Model):
    """What a named compute profile of the stack's settings gives the tasks that name it."""

    spark_conf: SparkConf = {}
    spark_env_vars: Variables = {}
    dependencies: Requirements = ()
    """Lines of a requirements file: packages that the task finds beside its own libraries."""


DEFAULT_PROFILE = "default"
"""The profile that is always there; it adds nothing unless the configuration gives it something."""


class Autoscale(Model):
    """Accepted without effect where Spark runs on one machine."""

    min_workers: int = Field(default=0, ge=0)
    max_workers: int = Field(default=0, ge=0)


class ClusterSpec(Model):
    """A cluster for one job; `spark_conf` and `spark_env_vars` take effect."""

    cluster_name: str | None = None
    spark_version: str | None = None
    spark_conf: SparkConf = {}
    spark_env_vars: Variables = {}
    num_workers: int | None = Field(default=None, ge=0)
    autoscale: Autoscale | None = None
    node_type_id: str | None = None
    driver_node_type_id: str | None = None
    custom_tags: dict[str, Text] = {}
    aws_attributes: dict[str, Any] | None = None
    azure_attributes: dict[str, Any] | None = None
    gcp_attributes: dict[str, Any] | None = None
    data_security_mode: str | None = None
    runtime_engine: str | None = None
    single_user_name: str | None = None
    enable_elastic_disk: bool | None = None
    enable_local_disk_encryption: bool | None = None
    is_single_node: bool | None = None
    kind: str | None = None
    use_ml_runtime: bool | None = None
    autotermination_minutes: int | None = Field(default=None, ge=0)
    """Without effect: a job's compute ends with its task."""
    policy_id: str | None = None
    """The cluster policy that it follows; see `spec.policies`."""
    apply_policy_default_values: bool | None = None
    instance_pool_id: str | None = None
    """The pool whose node type it has; see `node_type_id`."""
    driver_instance_pool_id: str | None = None
    compute_profile: str | None = None
    """OpenLake's own: the named compute profile whose Spark settings come first. A `node_type_id`
    that is the name of a profile says the same."""

    @model_validator(mode="after")
    def _one_node_type(self) -> "ClusterSpec":
        if self.instance_pool_id is not None and self.node_type_id is not None:
            raise ValueError("give 'instance_pool_id' or 'node_type_id'; a pool has its node type")
        return self


class JobCluster(Model):
    """A cluster that the tasks of a job share by its key."""

    job_cluster_key: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")
    new_cluster: ClusterSpec


class PypiLibrary(Model):
    """A package of the Python index."""

    package: str = Field(min_length=1)
    repo: str | None = None


class MavenLibrary(Model):
    """A Java package by its coordinates `group:artifact:version`."""

    coordinates: str = Field(pattern=r"^[^:\s]+:[^:\s]+(:[^:\s]+)+$")
    repo: str | None = None
    exclusions: tuple[str, ...] = ()


class Library(Model):
    """One library of a task; exactly one of the fields is set."""

    whl: str | None = None
    jar: str | None = None
    requirements: str | None = None
    pypi: PypiLibrary | None = None
    maven: MavenLibrary | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if isinstance(value, dict):
            for name, instead in (("egg", "build a wheel"), ("cran", "R is not supported")):
                if name in value:
                    raise ValueError(f"'{name}' libraries are not supported; {instead}")
        return value  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _one(self) -> "Library":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("a library is exactly one of whl, jar, requirements, pypi, maven")
        return self


class EnvironmentSpec(Model):
    """A Python environment: the workers' own packages, and `dependencies` on top of them."""

    client: str | None = None
    environment_version: str | None = None
    dependencies: Requirements = ()
    """Lines of a requirements file: packages, workspace paths of wheels, `-r` files."""


class Environment(Model):
    """An environment that tasks refer to by `environment_key`."""

    environment_key: str = Field(min_length=1, max_length=100)
    spec: EnvironmentSpec = EnvironmentSpec()
