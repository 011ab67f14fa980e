"""The object store, as far as the control plane needs it: whole objects, written once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from boto3.exceptions import S3UploadFailedError  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]
from botocore.parsers import ResponseParserError  # pyright: ignore[reportMissingTypeStubs]
from urllib3.exceptions import HTTPError

from control import s3
from spec.errors import NotFound, Unavailable

_MOST_DELETED = 1000
"""Keys of one request; S3's own limit."""


class StoreRefused(Unavailable):
    """The store answered, and said no."""

    def __init__(self, message: str, reason: str) -> None:
        """See class.

        Args:
            message: For a person.
            reason: S3's own code, e.g. `PreconditionFailed`.
        """
        super().__init__(message)
        self.reason = reason


class ObjectStore(Protocol):
    """Holds the bytes of logs and results."""

    async def put(self, key: str, content: bytes) -> None:
        """Store an object; storing the same again is harmless.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Return an object.

        Raises:
            NotFound: there is none of this key.
            Unavailable: the store does not answer.
        """
        ...

    async def put_file(self, key: str, file: Path) -> None:
        """Store a file, however large, in pieces.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def link(self, key: str, life_s: int) -> str:
        """Return an address at which anybody can fetch the object for so long, by GET."""
        ...

    async def upload_link(self, key: str, life_s: int) -> str:
        """Return an address at which anybody can store the object for so long, by PUT."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin so, up to 1,000 of them.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are deleted already.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def check(self) -> None:
        """Return when the store answers.

        Raises:
            Unavailable: it does not.
        """
        ...


class S3Objects:
    """One bucket of an S3 server; boto3 works in threads, so the event loop never waits."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: str, bucket: str
    ) -> None:
        """See class."""
        self._bucket = bucket
        self._client: Any = s3.connect(
            endpoint=endpoint, region=region, access_key=access_key, secret_key=secret_key
        )

    async def put(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        await self._call("put_object", Key=key, Body=content)

    async def get(self, key: str) -> bytes:
        """See `ObjectStore`."""
        answer = await self._call("get_object", Key=key)
        try:
            return await asyncio.to_thread(answer["Body"].read)
        except (BotoCoreError, HTTPError) as error:
            raise Unavailable(f"the object store broke off: {error}") from error

    async def put_file(self, key: str, file: Path) -> None:
        """See `ObjectStore`."""
        await self._call("upload_file", Key=key, Filename=str(file))

    async def link(self, key: str, life_s: int) -> str:
        """See `ObjectStore`."""
        return await self._signed("get_object", key, life_s)

    async def upload_link(self, key: str, life_s: int) -> str:
        """See `ObjectStore`."""
        return await self._signed("put_object", key, life_s)

    async def _signed(self, operation: str, key: str, life_s: int, **more: Any) -> str:
        where = {"Bucket": self._bucket, "Key": key, **more}
        return await asyncio.to_thread(
            self._client.generate_presigned_url, operation, Params=where, ExpiresIn=life_s
        )

    async def keys(self, prefix: str) -> list[str]:
        """See `ObjectStore`."""
        answer = await self._call("list_objects_v2", Prefix=prefix, MaxKeys=_MOST_DELETED)
        return [each["Key"] for each in answer.get("Contents", ())]

    async def delete(self, keys: Sequence[str]) -> None:
        """See `ObjectStore`."""
        for first in range(0, len(keys), _MOST_DELETED):
            some = [{"Key": key} for key in keys[first : first + _MOST_DELETED]]
            await self._call("delete_objects", Delete={"Objects": some, "Quiet": True})

    async def check(self) -> None:
        """See `ObjectStore`."""
        await self._call("head_bucket")

    async def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(
                getattr(self._client, operation), Bucket=self._bucket, **arguments
            )
        except S3UploadFailedError as error:
            raise Unavailable(f"the object store refused {operation}: {error}") from error
        except ClientError as error:
            answer: Any = error.response  # pyright: ignore[reportUnknownMemberType]
            code = str(answer.get("Error", {}).get("Code", ""))
            if code in ("NoSuchKey", "404") and "Key" in arguments:
                raise NotFound(f"the object '{arguments['Key']}' is not in the store") from error
            raise StoreRefused(f"the object store refused {operation}: {error}", code) from error
        except (BotoCoreError, ResponseParserError) as error:
            raise Unavailable(f"the object store does not answer: {error}") from error
