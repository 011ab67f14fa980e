"""Makes table care's activity for a running stack."""

from datetime import timedelta

from pydantic import SecretStr

from control.deps import Deps
from control.gateway.identity import Identity
from control.gateway.upstream import Catalog
from control.stack.layout import Layout
from control.table_care.activities import FileRemover
from control.table_care.files import LakeFiles
from control.table_care.sweep import Sweeper

_WAREHOUSE = "lakehouse"


def make_file_remover(layout: Layout, deps: Deps) -> FileRemover:
    """Return the activity; it has the catalog's and the object store's own credentials.

    Raises:
        Unavailable: a secret is missing; `openlake up` makes them.
    """
    settings = layout.settings
    identity = Identity(SecretStr(layout.secret("nessie-key")))
    catalog = Catalog(layout.nessie_url, _WAREHOUSE, identity=identity)
    files = LakeFiles(layout.s3("root"), settings.object_store.lakehouse_bucket)
    history = timedelta(days=settings.lakehouse.history_days)
    return FileRemover(deps, Sweeper(deps.database, catalog, files), history)
