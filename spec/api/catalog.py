"""Answers of `/api/2.1/unity-catalog/…`: catalogs, schemas and tables in Databricks' shapes."""

from typing import Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

TypeName = Literal[
    "ARRAY",
    "BINARY",
    "BOOLEAN",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "GEOGRAPHY",
    "GEOMETRY",
    "INT",
    "LONG",
    "MAP",
    "NULL",
    "STRING",
    "STRUCT",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "USER_DEFINED_TYPE",
    "VARIANT",
]


class CatalogInfo(Frozen):
    """One catalog: the stack's own, or one that the settings name."""

    name: str
    full_name: str
    catalog_type: Literal["MANAGED_CATALOG", "FOREIGN_CATALOG"]
    """The stack's own is managed; others belong to their own servers."""
    comment: str
    owner: str
    properties: dict[str, str]
    """`type`: `nessie`, `rest` or `hive`; `uri` of a foreign one."""
    isolation_mode: Literal["OPEN"] = "OPEN"
    securable_type: Literal["CATALOG"] = "CATALOG"
    browse_only: bool = False


class CatalogList(Frozen):
    """Answer of `GET catalogs`, by name."""

    catalogs: tuple[CatalogInfo, ...] = ()
    next_page_token: str | None = None


class SchemaInfo(Frozen):
    """One schema: an Iceberg namespace."""

    name: str
    """The levels of a nested namespace are joined by dots."""
    catalog_name: str
    full_name: str
    catalog_type: Literal["MANAGED_CATALOG", "FOREIGN_CATALOG"]
    comment: str | None = None
    owner: str | None = None
    storage_location: str | None = None
    properties: dict[str, str] | None = None
    """Of a single schema only: lists do not load each one."""
    securable_type: Literal["SCHEMA"] = "SCHEMA"
    browse_only: bool = False


class SchemaList(Frozen):
    """Answer of `GET schemas`, by name."""

    schemas: tuple[SchemaInfo, ...] = ()
    next_page_token: str | None = None


class ColumnInfo(Frozen):
    """One column of a table."""

    name: str
    position: int
    """From 0."""
    type_name: TypeName
    type_text: str
    """As SQL spells it: `array<struct<a:int>>`."""
    type_json: str
    """The column as a JSON text of Spark's `StructField`."""
    nullable: bool
    comment: str | None = None
    type_precision: int | None = None
    """Of decimals."""
    type_scale: int | None = None
    partition_index: int | None = None
    """Its place among the partition fields, from 0, if the table is partitioned by its values."""


class TableInfo(Frozen):
    """One table or view; lists have the fields up to `data_source_format` alone."""

    name: str
    catalog_name: str
    schema_name: str
    full_name: str
    table_type: Literal["MANAGED", "EXTERNAL", "VIEW"]
    data_source_format: Literal["ICEBERG"] | None = None
    columns: tuple[ColumnInfo, ...] | None = None
    owner: str | None = None
    comment: str | None = None
    properties: dict[str, str] | None = None
    storage_location: str | None = None
    view_definition: str | None = None
    """SQL of a view, in its first dialect."""
    created_at: int | None = None
    created_by: str | None = None
    updated_at: int | None = None
    table_id: str | None = None
    browse_only: bool = False


class TableList(Frozen):
    """Answer of `GET tables`, by name."""

    tables: tuple[TableInfo, ...] = ()
    next_page_token: str | None = None


class TableSummary(Frozen):
    """One table's or view's name."""

    full_name: str
    table_type: Literal["MANAGED", "EXTERNAL", "VIEW"]


class TableSummaryList(Frozen):
    """Answer of `GET table-summaries`, by schema and name; a page may be empty and go on."""

    tables: tuple[TableSummary, ...] = ()
    next_page_token: str | None = None


class TableExists(Frozen):
    """Answer of `GET tables/{name}/exists`."""

    table_exists: bool


class CreateSchema(Model):
    """Request of `POST schemas`."""

    name: str = Field(min_length=1, max_length=255)
    catalog_name: str
    comment: str | None = Field(default=None, max_length=10_000)
    properties: dict[str, str] = {}


class FunctionList(Frozen):
    """Answer of `GET functions`: always empty, for catalogs hold no functions."""

    functions: tuple[()] = ()


class MetastoreInfo(Frozen):
    """The metastore of a stack."""

    metastore_id: str
    name: str
    owner: str
    delta_sharing_scope: Literal["INTERNAL"] = "INTERNAL"
    privilege_model_version: Literal["1.0"] = "1.0"


class MetastoreList(Frozen):
    """Answer of `GET metastores`."""

    metastores: tuple[MetastoreInfo, ...] = ()


class MetastoreAssignment(Frozen):
    """A workspace and its metastore."""

    metastore_id: str
    workspace_id: int
    default_catalog_name: str


Privilege = Literal[
    "USE_CATALOG", "USE_SCHEMA", "CREATE_SCHEMA", "CREATE_TABLE", "SELECT", "MODIFY"
]


class Grant(Frozen):
    """What a principal is given on a securable itself."""

    principal: str
    privileges: tuple[Privilege, ...]


class GrantList(Frozen):
    """Answer of `GET permissions/{type}/{name}`."""

    privilege_assignments: tuple[Grant, ...] = ()


class EffectivePrivilege(Frozen):
    """One privilege, and where it comes from unless it is given on the securable itself."""

    privilege: Privilege
    inherited_from_name: str | None = None
    inherited_from_type: Literal["CATALOG"] | None = None


class EffectiveGrant(Frozen):
    """What a principal may do with a securable."""

    principal: str
    privileges: tuple[EffectivePrivilege, ...]


class EffectiveGrantList(Frozen):
    """Answer of `GET effective-permissions/{type}/{name}`."""

    privilege_assignments: tuple[EffectiveGrant, ...] = ()
