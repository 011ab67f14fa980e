"""The object store, as far as the control plane needs it: whole objects, written once."""

import asyncio
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

from control import s3
from spec.errors import NotFound, Unavailable


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
        return await asyncio.to_thread(answer["Body"].read)

    async def check(self) -> None:
        """See `ObjectStore`."""
        await self._call("head_bucket")

    async def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(
                getattr(self._client, operation), Bucket=self._bucket, **arguments
            )
        except ClientError as error:
            answer: Any = error.response  # pyright: ignore[reportUnknownMemberType]
            code = str(answer.get("Error", {}).get("Code", ""))
            if code in ("NoSuchKey", "404") and "Key" in arguments:
                raise NotFound(f"the object '{arguments['Key']}' is not in the store") from error
            raise Unavailable(f"the object store refused {operation}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"the object store does not answer: {error}") from error


class FolderObjects:
    """A folder in place of a bucket: for tests, and where there is no S3 server."""

    def __init__(self, folder: Path) -> None:
        """See class."""
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        await asyncio.to_thread(self._put, key, content)

    def _put(self, key: str, content: bytes) -> None:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    async def get(self, key: str) -> bytes:
        """See `ObjectStore`."""
        try:
            return await asyncio.to_thread((self._folder / key).read_bytes)
        except FileNotFoundError:
            raise NotFound(f"the object '{key}' is not in the store") from None

    async def check(self) -> None:
        """See `ObjectStore`."""
