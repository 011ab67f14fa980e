"""A SQL warehouse in Databricks' dialect that the tests of this folder share."""

from databricks.sdk import WorkspaceClient

_NAME = "conformance"


def shared_warehouse(sdk: WorkspaceClient) -> str:
    """Return the id of a running DuckDB warehouse; it is made by whoever asks first."""
    found = next((each for each in sdk.warehouses.list() if each.name == _NAME), None)
    if found is None:
        return str(sdk.warehouses.create_and_wait(name=_NAME, cluster_size="Small").id)
    return str(sdk.warehouses.start_and_wait(str(found.id)).id)
