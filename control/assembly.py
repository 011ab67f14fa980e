"""Makes the control plane's collaborators from the layout of a running stack."""

from datetime import timedelta

from pydantic import SecretStr

from control.console.settings import ConsoleSettings, built_pages
from control.db import Database
from control.deps import Deps
from control.gateway.identity import Identity
from control.gateway.upstream import Catalog
from control.git.client import GitClient
from control.hub import Hub
from control.internal.access import AttemptAccess
from control.lakehouse.assembly import make_lakehouse
from control.limits import Limits
from control.mlflow.memory import Tracking
from control.mlflow.server import MlflowServer
from control.objects import S3Objects
from control.sealing import Sealer
from control.stack.environment import network_environment
from control.stack.layout import Layout
from control.stack.part import own_version
from control.storage import StsStorage
from control.temporal import TemporalLauncher, connect
from control.volumes.objects import FileStore
from spec.attempts import StorageAccess
from spec.compute import DEFAULT_PROFILE, ComputeProfile


async def assemble(layout: Layout) -> Deps:
    """Return the collaborators of one API process; nothing is connected before first use.

    Raises:
        Unavailable: a secret is missing; `openlake up` makes them.
    """
    settings = layout.settings
    client = await connect(layout.temporal_address, settings.temporal.namespace)
    own, tables = layout.s3("root"), layout.s3("lakehouse")
    storage = StorageAccess(
        endpoint=tables.endpoint,
        region=tables.region,
        access_key=tables.access_key,
        secret_key=tables.secret_key,
    )
    access = AttemptAccess(
        catalog_uri=layout.gateway_iceberg_url,
        signing_key=layout.secret("signing-key"),
        storage=StsStorage(storage, bucket=settings.object_store.lakehouse_bucket),
    )
    catalog = Catalog(
        layout.nessie_url,
        access.warehouse,
        identity=Identity(SecretStr(layout.secret("nessie-key"))),
    )
    url = layout.postgres_url()
    return Deps(
        database=Database.connect(url),
        launcher=TemporalLauncher(client),
        objects=S3Objects(
            endpoint=own.endpoint,
            region=own.region,
            access_key=own.access_key,
            secret_key=own.secret_key,
            bucket=settings.object_store.bucket,
        ),
        files=FileStore(
            endpoint=tables.endpoint,
            region=tables.region,
            access_key=tables.access_key,
            secret_key=tables.secret_key,
            bucket=settings.object_store.lakehouse_bucket,
        ),
        hub=Hub(url),
        catalog=catalog,
        lakehouse=make_lakehouse(catalog, storage, layout.catalogs),
        history=timedelta(days=settings.lakehouse.history_days),
        access=access,
        sealer=Sealer.of(layout.secret("sealing-key")),
        worker_token=layout.secret("worker-token"),
        profiles={DEFAULT_PROFILE: ComputeProfile(), **settings.worker.compute_profiles},
        git=GitClient(settings.git, layout.git_hosts, network_environment()),
        public_url=layout.api_url,
        console=ConsoleSettings(
            pages=built_pages(),
            version=own_version(),
            temporal_ui_url=None if settings.temporal.address else layout.temporal_ui_url,
            temporal_namespace=settings.temporal.namespace,
        ),
        tracking=Tracking(MlflowServer(layout.mlflow_url, layout.secret("mlflow"))),
        limits=Limits(
            requests_per_s=settings.api.requests_per_s,
            burst_requests=settings.api.burst_requests,
            body_bytes=settings.api.max_body_mib * 1024 * 1024,
        ),
    )
