"""Makes the catalogs of a process from what it is told of them."""

from collections.abc import Mapping

from control.config import CatalogConnection
from control.gateway.upstream import Catalog
from control.lakehouse.base import TableCatalog
from control.lakehouse.catalogs import Lakehouse
from control.lakehouse.hive import HiveCatalog
from control.lakehouse.iceberg_rest import IcebergRest
from control.lakehouse.nessie import NessieCatalog
from spec.attempts import StorageAccess
from spec.datasets import CATALOG


def make_lakehouse(
    nessie: Catalog, own: StorageAccess, connections: Mapping[str, CatalogConnection]
) -> Lakehouse:
    """Return the stack's own catalog and those of the settings; nothing is connected yet.

    Args:
        nessie: The client to the stack's own.
        own: The keys of its object store.
        connections: The others, by name.
    """
    catalogs: dict[str, TableCatalog] = {CATALOG: NessieCatalog(CATALOG, nessie, files_of(own))}
    for name, each in connections.items():
        files = files_of(_storage(each) or own)
        if each.type == "hive":
            catalogs[name] = HiveCatalog(name, each.uri, files)
        else:
            catalogs[name] = IcebergRest(name, each, files)
    return Lakehouse(catalogs, connections)


def files_of(storage: StorageAccess) -> dict[str, str]:
    """Return how PyIceberg reaches an object store."""
    return {
        "s3.endpoint": storage.endpoint,
        "s3.region": storage.region,
        "s3.access-key-id": storage.access_key,
        "s3.secret-access-key": storage.secret_key,
    }


def _storage(connection: CatalogConnection) -> StorageAccess | None:
    given = connection.storage
    if given is None:
        return None
    return StorageAccess(
        endpoint=given.endpoint,
        region=given.region,
        access_key=given.access_key.get_secret_value(),
        secret_key=given.secret_key.get_secret_value(),
    )
