"""The lakehouse's bucket as a place for files: streams in, streams out, nothing held in memory.

Bytes go between the client and the object store as they come, over addresses that this process
signs for itself; the small calls (list, copy, begin, complete) are boto3's. An object appears when
all of its bytes are there and never before: S3's own promise, for single and for multi-part PUTs.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from control.objects import S3Objects, StoreRefused
from control.volumes.errors import AlreadyThere, Changed, OutOfRange
from spec.errors import Invalid, NotFound, TooLarge, Unavailable

MOST_BYTES = 5 << 30
"""Of one PUT: S3's limit, and Databricks'. Larger files come in parts."""

_LINK_S = 3600
_PIECE = 1 << 20
_TIMEOUT = httpx2.Timeout(60, connect=5)
_PASSED = ("content-length", "content-range", "last-modified", "etag")
_CONDITIONS = ("range", "if-unmodified-since", "if-match")


@dataclass(frozen=True)
class Stored:
    """One object."""

    key: str
    size_bytes: int
    modified_at: datetime
    """UTC."""
    etag: str


@dataclass(frozen=True)
class Page:
    """What lies directly below a prefix, in the order of the keys."""

    objects: Sequence[Stored]
    folders: Sequence[str]
    """Prefixes, each with a slash at its end."""
    next_place: str | None
    """The store's own token of what follows."""


@dataclass(frozen=True)
class Opened:
    """An object that is being read; `body` closes the connection when it ends."""

    status: int
    headers: dict[str, str]
    body: AsyncIterator[bytes]


class FileStore(S3Objects):
    """The bucket; every method raises `Unavailable` when the store does not answer."""

    def __init__(
        self, *, endpoint: str, region: str, access_key: str, secret_key: str, bucket: str
    ) -> None:
        """See `S3Objects`."""
        super().__init__(
            endpoint=endpoint,
            region=region,
            access_key=access_key,
            secret_key=secret_key,
            bucket=bucket,
        )
        self._http: httpx2.AsyncClient | None = None

    @property
    def bucket(self) -> str:
        """Its name."""
        return self._bucket

    async def close(self) -> None:
        """Let go of its connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def head(self, key: str) -> Stored | None:
        """Return what is known of an object; None when there is none."""
        try:
            answer = await self._call("head_object", Key=key)
        except NotFound:
            return None
        return _stored({**answer, "Key": key, "Size": answer["ContentLength"]})

    async def open(self, key: str, headers: Mapping[str, str]) -> Opened:
        """Begin to read an object.

        Args:
            key: Of the object.
            headers: Of the client's request; ranges and conditions are passed on.

        Raises:
            NotFound: there is none.
            Changed: a condition does not hold.
            OutOfRange: it has no such bytes.
        """
        given = {name: headers[name] for name in _CONDITIONS if name in headers}
        request = self._client_http().build_request(
            "GET", await self._signed("get_object", key, _LINK_S), headers=given
        )
        answer = await self._send(request, stream=True)
        if answer.is_error:
            await answer.aclose()
            raise _unreadable(answer.status_code)
        shown = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
        return Opened(answer.status_code, shown, _body(answer))

    async def read(self, key: str, offset: int, length: int) -> bytes:
        """Return some bytes of an object, fewer at its end; none behind it."""
        try:
            opened = await self.open(key, {"range": f"bytes={offset}-{offset + length - 1}"})
        except OutOfRange:
            return b""
        return b"".join([piece async for piece in opened.body])

    async def write(
        self, key: str, body: AsyncIterator[bytes], size: int | None, *, overwrite: bool
    ) -> None:
        """Store an object from a stream; a stream that breaks off leaves what was there before.

        Args:
            key: Of the object.
            body: Its bytes.
            size: How many; when it is not known, they are spooled to disk first.
            overwrite: Replace what is there.

        Raises:
            AlreadyThere: there is one, and it is not to be replaced.
            TooLarge: a single object has no room for so much.
        """
        if size is None:
            await self._spooled(key, body, overwrite)
            return
        _check_size(size)
        link = await self._signed("put_object", key, _LINK_S)
        try:
            answer = await self._put(link, body, size, {} if overwrite else {"If-None-Match": "*"})
        except Unavailable:
            # A store that refuses at once may close before it has taken all bytes.
            if not overwrite and await self.head(key) is not None:
                raise AlreadyThere("The file being created already exists.") from None
            raise
        if answer.status_code == 412:
            raise AlreadyThere("The file being created already exists.")
        _require(answer)

    async def _spooled(self, key: str, body: AsyncIterator[bytes], overwrite: bool) -> None:
        with tempfile.TemporaryFile(prefix="openlake-file-") as file:
            size = 0
            async for piece in body:
                size += len(piece)
                _check_size(size)
                await asyncio.to_thread(file.write, piece)
            file.seek(0)

            async def pieces() -> AsyncIterator[bytes]:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    yield piece

            await self.write(key, pieces(), size, overwrite=overwrite)

    async def put_empty(self, key: str) -> None:
        """Store an object without bytes: the mark of a folder."""
        await self._call("put_object", Key=key, Body=b"")

    async def page(self, prefix: str, place: str | None, limit: int) -> Page:
        """Return one page of what lies directly below a prefix; `prefix` itself is left out.

        Raises:
            Invalid: the store does not know this place.
        """
        # The mark of the folder itself has the prefix for a key, and would fill a page of one.
        more = {"ContinuationToken": place} if place else {"StartAfter": prefix}
        try:
            answer = await self._call(
                "list_objects_v2", Prefix=prefix, Delimiter="/", MaxKeys=limit, **more
            )
        except StoreRefused as error:
            if error.reason in ("InvalidArgument", "IncorrectContinuationToken"):
                raise Invalid("'page_token' is not one that this server gave out.") from None
            raise
        found = [_stored(each) for each in answer.get("Contents", ()) if each["Key"] != prefix]
        folders = [each["Prefix"] for each in answer.get("CommonPrefixes", ())]
        return Page(found, folders, answer.get("NextContinuationToken"))

    async def below(self, prefix: str, limit: int) -> list[str]:
        """Return the first keys anywhere below a prefix; at most 1,000."""
        answer = await self._call("list_objects_v2", Prefix=prefix, MaxKeys=limit)
        return [each["Key"] for each in answer.get("Contents", ())]

    async def copy(self, source: str, target: str) -> None:
        """Copy an object within the store, however large; no bytes come here."""
        await self._call("copy", CopySource={"Bucket": self._bucket, "Key": source}, Key=target)

    async def begin_parts(self, key: str) -> str:
        """Begin an object that comes in parts; return the store's id of the upload."""
        answer = await self._call("create_multipart_upload", Key=key)
        return answer["UploadId"]

    async def write_part(
        self, key: str, store_id: str, number: int, body: AsyncIterator[bytes], size: int
    ) -> str:
        """Store one part, from 1; the same part again replaces it. Returns its ETag.

        Raises:
            NotFound: there is no such upload any more.
        """
        _check_size(size)
        link = await self._signed("upload_part", key, _LINK_S, UploadId=store_id, PartNumber=number)
        answer = await self._put(link, body, size, {})
        if answer.status_code == 404:
            raise NotFound("This upload has ended.")
        _require(answer)
        return answer.headers["etag"]

    async def complete_parts(
        self, key: str, store_id: str, parts: Sequence[tuple[int, str]], *, overwrite: bool
    ) -> None:
        """Put the parts together: from here on the object is there.

        Raises:
            NotFound: there is no such upload any more.
            AlreadyThere: there is an object, and it is not to be replaced.
            Invalid: the parts are not those that were stored, or too small.
        """
        listed = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        more = {} if overwrite else {"IfNoneMatch": "*"}
        try:
            await self._call(
                "complete_multipart_upload",
                Key=key,
                UploadId=store_id,
                MultipartUpload={"Parts": listed},
                **more,
            )
        except StoreRefused as error:
            match error.reason:
                case "NoSuchUpload":
                    raise NotFound("This upload has ended.") from None
                case "PreconditionFailed":
                    raise AlreadyThere("The file being created already exists.") from None
                case "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" | "MalformedXML":
                    raise Invalid(
                        "the parts are not those that were uploaded, or one but the last has less"
                        f" than 5 MiB ({error.reason})"
                    ) from None
                case _:
                    raise

    async def abort_parts(self, key: str, store_id: str) -> None:
        """Drop an upload with all its parts; one that has ended is dropped already."""
        try:
            await self._call("abort_multipart_upload", Key=key, UploadId=store_id)
        except StoreRefused as error:
            if error.reason != "NoSuchUpload":
                raise

    def _client_http(self) -> httpx2.AsyncClient:
        if self._http is None:
            limits = httpx2.Limits(max_connections=256, max_keepalive_connections=32)
            self._http = httpx2.AsyncClient(timeout=_TIMEOUT, limits=limits, trust_env=False)
        return self._http

    async def _put(
        self, link: str, body: AsyncIterator[bytes], size: int, headers: dict[str, str]
    ) -> httpx2.Response:
        request = self._client_http().build_request(
            "PUT",
            link,
            content=_exactly(body, size),
            headers={
                "Content-Length": str(size),
                "Content-Type": "application/octet-stream",
                **headers,
            },
        )
        return await self._send(request)

    async def _send(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        try:
            return await self._client_http().send(request, stream=stream)
        except httpx2.TransportError as error:
            raise Unavailable(f"the object store does not answer: {error}") from error


async def _exactly(body: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Pass on the bytes that were announced.

    Raises:
        Invalid: there are fewer or more.
    """
    seen = 0
    async for piece in body:
        seen += len(piece)
        if seen > size:
            break
        if piece:
            yield piece
    if seen != size:
        raise Invalid(f"the body has not the {size} bytes that Content-Length announced")


async def _body(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


def _stored(entry: Any) -> Stored:
    modified_at: datetime = entry["LastModified"]
    return Stored(entry["Key"], entry["Size"], modified_at.astimezone(UTC), entry["ETag"])


def _unreadable(status: int) -> Exception:
    match status:
        case 404:
            return NotFound("The file being read does not exist.")
        case 412:
            return Changed("The file has changed since the time that the request names.")
        case 416:
            return OutOfRange("The file has no such bytes.")
        case _:
            return Unavailable(f"the object store answered {status} to a read")


def _require(answer: httpx2.Response) -> None:
    if answer.is_error:
        raise Unavailable(f"the object store answered {answer.status_code} to a write")


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise TooLarge(
            f"one request takes at most {MOST_BYTES >> 30} GiB, not {size} bytes; upload the file"
            " in parts, as the SDK does by itself"
        )
