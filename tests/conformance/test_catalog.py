"""Unity-Catalog style reads and the few changes, by the SDK."""

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    NotFound,
    NotImplemented,
    ResourceAlreadyExists,
)
from databricks.sdk.service import catalog
from databricks.sdk.service.sql import StatementState

from tests.conformance.conftest import AsUser
from tests.conformance.warehouse import shared_warehouse

pytestmark = pytest.mark.integration

SCHEMA = "lakehouse.unity"


@pytest.fixture(scope="module")
def books(clients) -> Iterator[str]:
    """A table with rows in a schema of its own."""
    sdk: WorkspaceClient = clients.admin
    warehouse_id = shared_warehouse(sdk)
    for statement in (
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.books"
        " (id INT, title STRING, price DECIMAL(10,2), tags ARRAY<STRING>)",
    ):
        done = sdk.statement_execution.execute_statement(
            # The first statement of a warehouse waits for its process too.
            statement,
            warehouse_id,
            wait_timeout="50s",
        )
        assert done.status and done.status.state is StatementState.SUCCEEDED, done.status
    yield f"{SCHEMA}.books"
    sdk.schemas.delete(SCHEMA, force=True)


def test_catalogs(sdk: WorkspaceClient) -> None:
    found = {each.name: each for each in sdk.catalogs.list()}
    assert found["lakehouse"].catalog_type is catalog.CatalogType.MANAGED_CATALOG
    assert sdk.catalogs.get("lakehouse").full_name == "lakehouse"
    with pytest.raises(NotFound):
        sdk.catalogs.get("nowhere")


def test_schemas_are_listed_and_paged(sdk: WorkspaceClient, books: str) -> None:
    names = [str(each.name) for each in sdk.schemas.list("lakehouse", max_results=1)]
    assert "unity" in names and names == sorted(names)
    assert sdk.schemas.get(SCHEMA).catalog_name == "lakehouse"
    with pytest.raises(NotFound):
        sdk.schemas.get("lakehouse.nowhere")


def test_a_schema_is_made_and_dropped(sdk: WorkspaceClient) -> None:
    made = sdk.schemas.create("short_lived", "lakehouse", comment="not for long")
    assert (made.full_name, made.comment) == ("lakehouse.short_lived", "not for long")
    with pytest.raises(ResourceAlreadyExists):
        sdk.schemas.create("short_lived", "lakehouse")
    sdk.schemas.delete("lakehouse.short_lived")
    with pytest.raises(NotFound):
        sdk.schemas.delete("lakehouse.short_lived")


def test_a_schema_with_tables_is_dropped_only_by_force(sdk: WorkspaceClient) -> None:
    sdk.schemas.create("full", "lakehouse")
    done = sdk.statement_execution.execute_statement(
        "CREATE TABLE lakehouse.full.one (a INT)", shared_warehouse(sdk)
    )
    assert done.status and done.status.state is StatementState.SUCCEEDED
    with pytest.raises(BadRequest, match="not empty"):
        sdk.schemas.delete("lakehouse.full")
    sdk.schemas.delete("lakehouse.full", force=True)
    assert not sdk.tables.exists("lakehouse.full.one").table_exists


def test_a_table_and_its_columns(sdk: WorkspaceClient, books: str) -> None:
    assert [each.full_name for each in sdk.tables.list("lakehouse", "unity")] == [books]
    table = sdk.tables.get(books)
    assert table.data_source_format is catalog.DataSourceFormat.ICEBERG
    assert table.table_type is catalog.TableType.MANAGED
    columns = [(each.name, each.type_text, each.position) for each in table.columns or []]
    assert columns == [
        ("id", "int", 0),
        ("title", "string", 1),
        ("price", "decimal(10,2)", 2),
        ("tags", "array<string>", 3),
    ]
    assert sdk.tables.exists(books).table_exists
    assert not sdk.tables.exists(f"{SCHEMA}.nothing").table_exists
    summaries = sdk.tables.list_summaries("lakehouse", schema_name_pattern="unity")
    assert [each.full_name for each in summaries] == [books]
    with pytest.raises(NotFound):
        sdk.tables.get(f"{SCHEMA}.nothing")


def test_a_table_is_dropped(sdk: WorkspaceClient, books: str) -> None:
    name = f"{SCHEMA}.pamphlets"
    sdk.statement_execution.execute_statement(
        f"CREATE TABLE {name} (id INT)", shared_warehouse(sdk)
    )
    sdk.tables.delete(name)
    assert not sdk.tables.exists(name).table_exists
    with pytest.raises(NotFound):
        sdk.tables.delete(name)


def test_the_metastore(sdk: WorkspaceClient) -> None:
    current = sdk.metastores.current()
    assert current.workspace_id == sdk.get_workspace_id()
    assert current.default_catalog_name == "lakehouse"
    assert sdk.metastores.summary().metastore_id == current.metastore_id
    assert [each.metastore_id for each in sdk.metastores.list()] == [current.metastore_id]
    assert sdk.metastores.get(current.metastore_id).name == "openlake"
    with pytest.raises(NotFound):
        sdk.metastores.get("another")


@pytest.mark.refused("functions.get", "catalogs hold no functions: RESOURCE_DOES_NOT_EXIST")
@pytest.mark.partly("functions.list", "always empty: catalogs hold no functions")
def test_there_are_no_functions(sdk: WorkspaceClient, books: str) -> None:
    assert list(sdk.functions.list("lakehouse", "unity")) == []
    with pytest.raises(NotFound):
        sdk.functions.get(f"{SCHEMA}.f")


@pytest.mark.partly("grants.get", "all users share the catalogs; nothing is given one by one")
@pytest.mark.partly("grants.get_effective", "all users share the catalogs")
def test_who_may_do_what(sdk: WorkspaceClient, as_user: AsUser, books: str) -> None:
    (given,) = sdk.grants.get("CATALOG", "lakehouse").privilege_assignments or []
    assert given.principal == "users"
    assert catalog.Privilege.MODIFY in (given.privileges or [])
    assert not sdk.grants.get("TABLE", books).privilege_assignments
    effective = as_user("reader").grants.get_effective("TABLE", books)
    (held,) = effective.privilege_assignments or []
    assert {each.inherited_from_name for each in held.privileges or []} == {"lakehouse"}
    with pytest.raises(NotFound):
        sdk.grants.get("TABLE", f"{SCHEMA}.nothing")


@pytest.mark.refused("grants.update", "users share the catalogs of their stack")
@pytest.mark.refused("catalogs.create", "catalogs of other servers are named in the settings")
@pytest.mark.refused("catalogs.update", "catalogs of other servers are named in the settings")
@pytest.mark.refused("catalogs.delete", "catalogs of other servers are named in the settings")
@pytest.mark.refused("schemas.update", "SQL changes a schema's properties")
@pytest.mark.refused("metastores.create", "a stack has one metastore")
@pytest.mark.refused("metastores.delete", "a stack has one metastore")
@pytest.mark.refused("metastores.assign", "a stack has one metastore")
@pytest.mark.refused("system_schemas.list", "statements and deeds are listed by their own APIs")
@pytest.mark.refused("connections.list", "catalogs of other servers are named in the settings")
@pytest.mark.refused("external_locations.list", "the settings say where tables are stored")
@pytest.mark.refused("storage_credentials.list", "workers get keys by themselves")
@pytest.mark.refused("registered_models.list", "models are in MLflow's own registry")
@pytest.mark.refused("online_tables.get", "there are no online tables")
@pytest.mark.refused("quality_monitors.get", "there are no monitors of tables")
@pytest.mark.refused("workspace_bindings.get", "every catalog is there for all workspaces")
def test_what_is_left_out_is_refused_with_a_reason(sdk: WorkspaceClient, books: str) -> None:
    for call in (
        lambda: sdk.grants.update("TABLE", books, changes=[]),
        lambda: sdk.catalogs.create("another"),
        lambda: sdk.catalogs.update("lakehouse", comment="x"),
        lambda: sdk.catalogs.delete("lakehouse"),
        lambda: sdk.schemas.update(SCHEMA, comment="x"),
        lambda: sdk.metastores.create("another"),
        lambda: sdk.metastores.delete("another"),
        lambda: sdk.metastores.assign(1, "another", "lakehouse"),
        lambda: list(sdk.system_schemas.list("any")),
        lambda: list(sdk.connections.list()),
        lambda: list(sdk.external_locations.list()),
        lambda: list(sdk.storage_credentials.list()),
        lambda: list(sdk.registered_models.list()),
        lambda: sdk.online_tables.get("a.b.c"),
        lambda: sdk.quality_monitors.get(books),
        lambda: sdk.workspace_bindings.get("lakehouse"),
    ):
        with pytest.raises(NotImplemented, match="OpenLake does not serve this"):
            call()
