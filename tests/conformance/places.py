"""Volumes and names that the file tests share."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import VolumeInfo, VolumeType

from tests.integration.stack import Stack, catalog

CATALOG, SCHEMA = "lakehouse", "conformance"


def new_name() -> str:
    """Return a name that no other test has."""
    return f"v{uuid.uuid4().hex[:12]}"


def make_schema(stack: Stack) -> None:
    """Make the schema of the volumes, unless it is there."""
    catalog(stack).create_namespace_if_not_exists(SCHEMA)


@contextmanager
def volume(sdk: WorkspaceClient) -> Iterator[VolumeInfo]:
    """A volume that is deleted in the end."""
    made = sdk.volumes.create(CATALOG, SCHEMA, new_name(), VolumeType.MANAGED)
    try:
        yield made
    finally:
        sdk.volumes.delete(made.full_name or "")


def root_of(made: VolumeInfo) -> str:
    """Return the path of a volume's root."""
    return f"/Volumes/{made.catalog_name}/{made.schema_name}/{made.name}"
