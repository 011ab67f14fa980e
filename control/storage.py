"""S3 credentials for user code: the lakehouse bucket and nothing else.

Of the volumes in it (`volumes/<workspace>/…`), those of the workspace alone.
"""

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any, Protocol, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
import structlog
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]
from botocore.parsers import ResponseParserError  # pyright: ignore[reportMissingTypeStubs]

from spec.attempts import StorageAccess
from spec.errors import Unavailable

log = structlog.get_logger(__name__)

_LIFE_S = 7 * 24 * 3600
"""The longest that S3 servers grant; an attempt that outlives it is opened anew on re-attaching."""
_LENT_S = 60.0
"""For so long the attempts of a workspace get the same keys: all that such keys may do is theirs
anyway, and asking for them is a request to the S3 server."""


class StorageIssuer(Protocol):
    """Gives an attempt its credentials."""

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """Return credentials for work of one workspace; the name is for the server's own log."""
        ...


class StsStorage:
    """Short-lived keys by AssumeRole with a session policy; the fixed ones of a server without."""

    def __init__(self, access: StorageAccess, bucket: str) -> None:
        """See class.

        Args:
            access: Keys that may read and write the bucket.
            bucket: The only bucket that the issued keys open.
        """
        self._fixed = access
        self._bucket = bucket
        make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType]
        self._client: Any = make(
            "sts",
            endpoint_url=access.endpoint,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}),
        )
        self._client.meta.events.register("before-parse.sts", _refuse_bad_moment)
        self._warned = self._has_sts = False
        self._lent: dict[int, tuple[float, StorageAccess]] = {}

    async def issue(self, name: str, workspace_id: int) -> StorageAccess:
        """See `StorageIssuer`.

        Raises:
            Unavailable: the server does not answer, or refuses what it has done before.
        """
        until, access = self._lent.get(workspace_id, (0.0, self._fixed))
        if time.monotonic() >= until:
            access = await self._assume(name, workspace_id)
            if access is not self._fixed:
                self._lent[workspace_id] = (time.monotonic() + _LENT_S, access)
        return access

    async def _assume(self, name: str, workspace_id: int) -> StorageAccess:
        try:
            answer = await asyncio.to_thread(
                self._client.assume_role,
                RoleArn="arn:aws:iam::000000000000:role/openlake-attempt",
                RoleSessionName=name,
                Policy=_policy(self._bucket, workspace_id),
                DurationSeconds=_LIFE_S,
            )
            keys = answer["Credentials"]
        except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
            if self._has_sts or not _is_without_sts(error):
                # The permanent keys open far more: nobody gets them because of a bad moment.
                raise Unavailable(f"the object store gives out no keys: {error}") from error
            if not self._warned:
                log.warning("storage.no_sts", error=str(error))
                self._warned = True
            return self._fixed
        self._has_sts = True
        return self._fixed.model_copy(
            update={
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "session_token": keys["SessionToken"],
            }
        )


def _is_without_sts(error: Exception) -> bool:
    """Tell whether a server has answered that it knows no STS, or in words that STS has not."""
    answer: Any = getattr(error, "response", None)
    if answer is None:
        return isinstance(error, ResponseParserError | KeyError)
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS):
        return False
    if answer.get("Error", {}).get("Code") in ("Throttling", "RequestTimeTooSkewed", "SlowDown"):
        return False
    return 400 <= status < 500 or status == HTTPStatus.NOT_IMPLEMENTED


def _refuse_bad_moment(response_dict: dict[str, Any], **_: Any) -> None:
    """Raise for what a proxy says instead of the server: botocore would only call it unreadable."""
    status, body = int(response_dict["status_code"]), bytes(response_dict["body"])
    if status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED and b"<Error" not in body:
        raise Unavailable(f"the object store gives out no keys: it answers with {status}")


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
