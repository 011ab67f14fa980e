"""MinIO: the object store, unless the settings name another S3 server."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from control.stack.layout import LOOPBACK, Layout, S3User
from control.stack.part import Command, Part, check_http, write_private
from spec.errors import Unavailable


class Minio(Part):
    """One server over one folder, with a bucket for OpenLake and one for tables."""

    name = "minio"
    title = "MinIO (object store)"
    ports = ("minio", "minio_console")
    tools = ("minio",)
    advice = "read `openlake logs minio`; a full disk is the usual cause"

    def prepare(self) -> None:
        """Write the root credentials where only the server's own user reads them."""
        (self.folder / "data").mkdir(exist_ok=True)
        root = self.layout.s3("root")
        write_private(
            self._env_file,
            f"MINIO_ROOT_USER={root.access_key}\nMINIO_ROOT_PASSWORD={root.secret_key}\n",
        )

    @property
    def _env_file(self) -> Path:
        return self.folder / "config.env"

    def command(self) -> Command:
        """See base class."""
        return Command(
            argv=(
                str(self.layout.go_tool("minio")),
                "server",
                "--quiet",
                "--anonymous",
                f"--address={LOOPBACK}:{self.port()}",
                f"--console-address={LOOPBACK}:{self.port('minio_console')}",
                str(self.folder / "data"),
            ),
            env={
                "MINIO_CONFIG_ENV_FILE": str(self._env_file),
                "MINIO_REGION": self.layout.settings.object_store.region,
                "MINIO_UPDATE": "off",
            },
        )

    def check(self) -> None:
        """See base class."""
        check_http(f"{self.address}/minio/health/live")

    def after_start(self) -> None:
        """Make the buckets, and the users that reach only what is theirs."""
        ensure_buckets(self.layout)
        store = self.layout.settings.object_store
        ensure_user(self.layout, "lakehouse", store.lakehouse_bucket)
        ensure_user(self.layout, "mlflow", store.bucket, "mlflow/")


def ensure_buckets(layout: Layout) -> None:
    """Make both buckets where the store is; also for a store of the settings.

    Raises:
        Unavailable: The store refuses or cannot be reached.
    """
    # Only where they are used: these take half a second to import.
    from minio import Minio as Client
    from minio.error import MinioException, S3Error
    from urllib3 import PoolManager, Retry, Timeout
    from urllib3.exceptions import HTTPError

    store, access = layout.settings.object_store, layout.s3("root")
    # A quick answer when nobody is there; but a server that has just begun to listen says 503 for
    # some moments more.
    retries = Retry(
        total=6,
        connect=2,
        read=2,
        backoff_factor=0.2,
        status_forcelist=(503,),
        allowed_methods=None,
    )
    pool = PoolManager(timeout=Timeout(10), retries=retries)
    client = Client(
        urlsplit(access.endpoint).netloc,
        access_key=access.access_key,
        secret_key=access.secret_key,
        secure=access.endpoint.startswith("https"),
        region=access.region,
        http_client=pool,
    )
    for bucket in (store.bucket, store.lakehouse_bucket):
        try:
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket, access.region)
        except (MinioException, HTTPError) as error:
            if isinstance(error, S3Error) and error.code == "BucketAlreadyOwnedByYou":
                continue
            raise Unavailable(
                f"the object store at {access.endpoint} does not give the bucket '{bucket}' "
                f"({error}); check OPENLAKE_OBJECT_STORE__ENDPOINT, __ACCESS_KEY and __SECRET_KEY"
            ) from error


def ensure_user(layout: Layout, user: S3User, bucket: str, prefix: str = "") -> None:
    """Make a MinIO user that reads and writes one bucket, or what lies under one prefix of it.

    Raises:
        Unavailable: MinIO refuses.
    """
    from minio import MinioAdmin
    from minio.credentials.providers import StaticProvider
    from minio.error import MinioAdminException

    root, access = layout.s3("root"), layout.s3(user)
    admin = MinioAdmin(
        endpoint=urlsplit(root.endpoint).netloc,
        credentials=StaticProvider(root.access_key, root.secret_key),
        region=root.region,
        secure=root.endpoint.startswith("https"),
    )
    name, policy = f"openlake-{user}", _policy(bucket, prefix)
    with suppress(MinioAdminException):
        if json.loads(admin.user_info(access.access_key)).get("policyName") == name:
            return
    try:
        admin.policy_add(name, policy=policy)  # pyright: ignore[reportUnknownMemberType]
        admin.user_add(access.access_key, access.secret_key)
        admin.policy_set(name, user=access.access_key)
    except MinioAdminException as error:
        raise Unavailable(f"MinIO refuses to make its user '{user}': {error}") from error


def _policy(bucket: str, prefix: str) -> dict[str, Any]:
    listing: dict[str, Any] = {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}"],
    }
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{prefix}*"]}}
    about: dict[str, Any] = {
        "Effect": "Allow",
        "Action": ["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
        "Resource": [f"arn:aws:s3:::{bucket}"],
    }
    objects: dict[str, Any] = {
        "Effect": "Allow",
        "Action": [
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
        "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*"],
    }
    return {"Version": "2012-10-17", "Statement": [listing, about, objects]}
