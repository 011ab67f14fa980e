"""Secrets by the SDK."""

from databricks.sdk import WorkspaceClient


def test_a_scope(sdk: WorkspaceClient) -> None:
    sdk.secrets.create_scope("conf")
    assert "conf" in [s.name for s in sdk.secrets.list_scopes()]
    sdk.secrets.delete_scope("conf")
