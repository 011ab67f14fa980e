"""The files of the lakehouse's bucket: listed and deleted."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]
from pyiceberg.io import FileIO, load_file_io

from control import s3
from control.stack.layout import S3Access
from spec.errors import Unavailable
from spec.table_care_figures import Figures

BATCH = 1000
"""What S3 deletes, and lists, in one call."""


@dataclass(frozen=True)
class File:
    """One object."""

    key: str
    size: int
    written_at: datetime

    @property
    def figures(self) -> Figures:
        """What it adds to the figures of its folder.

        Every Iceberg writer calls manifest lists `snap-….avro`, one for each snapshot; other Avro
        files among the metadata are manifests.
        """
        folder, _, name = self.key.rpartition("/")
        is_avro = name.endswith(".avro") and folder.endswith("/metadata")
        is_list = is_avro and name.startswith("snap-")
        return Figures(1, self.size, int(is_avro and not is_list), int(is_list))


class LakeFiles:
    """The bucket, with keys that may delete."""

    def __init__(self, access: S3Access, bucket: str) -> None:
        """See class."""
        self.bucket = bucket
        self.io: FileIO = load_file_io(
            {
                "s3.endpoint": access.endpoint,
                "s3.region": access.region,
                "s3.access-key-id": access.access_key,
                "s3.secret-access-key": access.secret_key,
            },
            f"s3://{bucket}/",
        )
        """Reads Iceberg's own files."""
        self._client: Any = s3.connect(
            endpoint=access.endpoint,
            region=access.region,
            access_key=access.access_key,
            secret_key=access.secret_key,
        )

    async def below(self, folder: str) -> AsyncGenerator[list[File]]:
        """Go through all objects below a folder (its key ends with a slash), in pages.

        Raises:
            Unavailable: the store does not answer.
        """
        token: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=folder, **token)
            yield [
                File(each["Key"], int(each["Size"]), each["LastModified"])
                for each in page.get("Contents", ())
            ]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete at most `BATCH` objects; one that is gone already is no error.

        Raises:
            Unavailable: the store does not answer, or refuses one of them.
        """
        objects = [{"Key": key} for key in keys]
        answer = await self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
        for error in answer.get("Errors", ()):
            key, why = error["Key"], error["Message"]
            raise Unavailable(f"the object store does not delete {key}: {why}")

    async def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(
                getattr(self._client, operation), Bucket=self.bucket, **arguments
            )
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"the object store refused {operation}: {error}") from error
