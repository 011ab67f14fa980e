"""S3 credentials for user code: the lakehouse bucket and nothing else.

Of the volumes in it (`volumes/<workspace>/…`), those of the workspace alone.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Protocol

import boto3  # pyright: ignore[reportMissingTypeStubs]
import structlog
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from spec.attempts import StorageAccess

log = structlog.get_logger(__name__)

_LIFE_S = 7 * 24 * 3600
"""The longest that S3 servers grant; an attempt that outlives it is opened anew on re-attaching."""


class StorageIssuer(Protocol):
    """Gives an attempt its credentials."""

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """Return credentials for work of one workspace, named for the server's own log."""
        ...


@dataclass(frozen=True)
class FixedStorage:
    """The same keys for everybody: what a server without STS allows."""

    access: StorageAccess

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """See `StorageIssuer`."""
        return self.access


class StsStorage:
    """Short-lived keys by AssumeRole with a session policy; the fixed ones when that fails."""

    def __init__(self, access: StorageAccess, bucket: str) -> None:
        """See class.

        Args:
            access: Keys that may read and write the bucket.
            bucket: The only bucket that the issued keys open.
        """
        self._fixed = access
        self._bucket = bucket
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "sts",
            endpoint_url=access.endpoint,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
        )
        self._warned = False

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """See `StorageIssuer`."""
        try:
            answer = await asyncio.to_thread(
                self._client.assume_role,
                RoleArn="arn:aws:iam::000000000000:role/openlake-attempt",
                RoleSessionName=name,
                Policy=_policy(self._bucket, workspace_id),
                DurationSeconds=_LIFE_S,
            )
        except (BotoCoreError, ClientError) as error:
            if not self._warned:
                log.warning("storage.no_sts", error=str(error))
                self._warned = True
            return self._fixed
        keys = answer["Credentials"]
        return self._fixed.model_copy(
            update={
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "session_token": keys["SessionToken"],
            }
        )


def _policy(bucket: str, workspace_id: int) -> str:
    arn, own = f"arn:aws:s3:::{bucket}", f"volumes/{workspace_id}/*"
    # Tables lie wherever their catalog puts them, so the volumes of others are what is taken out.
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["s3:*"], "NotResource": [f"{arn}/volumes/*"]},
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": [f"{arn}/{own}"]},
        {"Effect": "Deny", "Action": ["s3:*"], "NotResource": [arn, f"{arn}/*"]},
        {
            "Effect": "Deny",
            "Action": ["s3:ListBucket"],
            "Resource": [arn],
            "Condition": {
                "StringLike": {"s3:prefix": ["volumes/*"]},
                "StringNotLike": {"s3:prefix": [own]},
            },
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
