"""Requests and answers of `sql/warehouses` (Databricks SQL Warehouses API 2.0).

What is OpenLake's own: `engine`, `dialect`, `catalog` and `schema`. Clients that cannot send
fields of ours give the first two as custom tags `openlake.engine` and `openlake.dialect`.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from spec.attempts import Frozen, SqlDialect
from spec.model import Model
from spec.tasks import SQL_ENGINES, Engine
from spec.warehouses import ClusterSize, HealthStatus, WarehouseState

ENGINE_TAG = "openlake.engine"
DIALECT_TAG = "openlake.dialect"

MOST_CLUSTERS = 40


def _sql_engine(engine: Engine) -> Engine:
    if engine not in SQL_ENGINES:
        names = " and ".join(f"'{each}'" for each in SQL_ENGINES)
        raise ValueError(f"'{engine}' runs no warehouses; the engines of warehouses are {names}")
    return engine


SqlEngine = Annotated[Engine, AfterValidator(_sql_engine)]


class Tag(Model):
    """One custom tag."""

    key: str = Field(min_length=1, max_length=127)
    value: str = Field(default="", max_length=255)


class Tags(Model):
    """The custom tags of a warehouse; kept and read back, but for the two that mean something."""

    custom_tags: tuple[Tag, ...] = Field(default=(), max_length=44)

    def value_of(self, key: str) -> str | None:
        """Return the value of a tag, if it is there."""
        return next((tag.value for tag in self.custom_tags if tag.key == key), None)


class Channel(Model):
    """Accepted without effect: there is one version of OpenLake's warehouses."""

    name: (
        Literal["CHANNEL_NAME_CURRENT", "CHANNEL_NAME_PREVIEW", "CHANNEL_NAME_PREVIOUS"] | None
    ) = None


class WarehouseFields(Model):
    """What a person says of a warehouse; of an edit: what is to change."""

    name: str | None = Field(default=None, min_length=1, max_length=99)
    """Unique in the workspace."""
    cluster_size: ClusterSize | None = None
    min_num_clusters: int | None = Field(default=None, ge=1, le=30)
    """Processes that a running warehouse has at least; 1 at first."""
    max_num_clusters: int | None = Field(default=None, ge=1, le=MOST_CLUSTERS)
    """Processes that it may grow to while statements wait; its minimum at first."""
    auto_stop_mins: int | None = None
    """It is stopped after so long without a statement: 0 means never, else 10 or more. 120 at
    first."""
    tags: Tags | None = None
    engine: SqlEngine | None = None
    """Of OpenLake: `duckdb` (at first) or `trino`; never changes."""
    dialect: SqlDialect | None = None
    """Of OpenLake: what statements are written in. `databricks` (at first) is translated to the
    engine's own SQL; `engine` is sent as it is."""
    catalog: str | None = Field(default=None, min_length=1, max_length=255)
    """Of OpenLake: the catalog of names without one."""
    schema_name: str | None = Field(default=None, alias="schema", min_length=1, max_length=255)
    """Of OpenLake: the schema of names without one."""
    warehouse_type: Literal["TYPE_UNSPECIFIED", "CLASSIC", "PRO"] | None = None
    """Accepted without effect; read back."""
    enable_serverless_compute: bool | None = None
    """Accepted without effect; read back."""
    enable_photon: bool | None = None
    """Accepted without effect; read back."""
    spot_instance_policy: (
        Literal["POLICY_UNSPECIFIED", "COST_OPTIMIZED", "RELIABILITY_OPTIMIZED"] | None
    ) = None
    """Accepted without effect; read back."""
    channel: Channel | None = None
    """Accepted without effect; read back."""
    creator_name: str | None = None
    """Accepted without effect: the creator is who makes it."""

    @field_validator("auto_stop_mins")
    @classmethod
    def _long_enough(cls, value: int | None) -> int | None:
        if value is not None and value != 0 and value < 10:
            raise ValueError(f"must be 0 (never) or at least 10 minutes, not {value}")
        return value


class CreateWarehouse(WarehouseFields):
    """Request of `POST sql/warehouses`."""

    name: str = Field(min_length=1, max_length=99)  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]


class EditWarehouse(WarehouseFields):
    """Request of `POST sql/warehouses/{id}/edit`; what is not given stays as it is."""

    id: str | None = None
    """As in the path."""


class CreatedWarehouse(Frozen):
    """Answer of `POST sql/warehouses`."""

    id: str


class WarehouseHealth(Frozen):
    """How a warehouse is."""

    status: HealthStatus
    summary: str = ""
    """Why it is not healthy, and what to do."""


class OdbcParams(Frozen):
    """Where Databricks' drivers would look; they speak Thrift, which OpenLake does not."""

    hostname: str
    path: str
    port: int
    protocol: str


class WarehouseView(Model):
    """One warehouse."""

    id: str
    name: str
    state: WarehouseState
    health: WarehouseHealth
    cluster_size: ClusterSize
    min_num_clusters: int
    max_num_clusters: int
    num_clusters: int
    """Processes that are ready now."""
    num_active_sessions: int
    """Statements that have not ended."""
    auto_stop_mins: int
    creator_name: str
    tags: Tags
    engine: Engine
    dialect: SqlDialect
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    warehouse_type: str
    enable_serverless_compute: bool
    enable_photon: bool
    spot_instance_policy: str
    channel: Channel
    jdbc_url: str
    odbc_params: OdbcParams


class WarehouseList(Frozen):
    """Answer of `GET sql/warehouses`: the built-in ones, then the others, newest first."""

    warehouses: tuple[WarehouseView, ...] = ()
    next_page_token: str | None = None


class WarehouseTypeEnabled(Model):
    """Whether warehouses may be of a type."""

    warehouse_type: Literal["CLASSIC", "PRO"]
    enabled: bool


class WorkspaceWarehouseConfig(Model):
    """What all warehouses of a workspace have in common; the same everywhere, and fixed."""

    security_policy: Literal["NONE"] = "NONE"
    enable_serverless_compute: Literal[False] = False
    enabled_warehouse_types: tuple[WarehouseTypeEnabled, ...] = (
        WarehouseTypeEnabled(warehouse_type="CLASSIC", enabled=True),
        WarehouseTypeEnabled(warehouse_type="PRO", enabled=True),
    )
    data_access_config: tuple[dict[str, str], ...] = ()


class DataSource(Frozen):
    """A warehouse, as the older queries and alerts name it."""

    id: str
    """The warehouse's own."""
    name: str
    warehouse_id: str
    type: Literal["databricks_internal"] = "databricks_internal"
    syntax: Literal["sql"] = "sql"
    paused: int = 0
    supports_auto_limit: bool = True
    view_only: bool = False
