"""Requests and answers of `unity-catalog/volumes` (2.1) and of the Files API (`fs`, 2.0)."""

from typing import Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

_Name = Field(min_length=1, max_length=255)


class CreateVolume(Model):
    """Request of `POST volumes`."""

    catalog_name: str = _Name
    schema_name: str = _Name
    name: str = _Name
    volume_type: Literal["MANAGED", "EXTERNAL"]
    """OpenLake makes MANAGED ones only."""
    comment: str | None = None
    storage_location: str | None = None
    """Of an EXTERNAL volume; refused."""


class UpdateVolume(Model):
    """Request of `PATCH volumes/{name}`; what is left out stays."""

    new_name: str | None = Field(default=None, min_length=1, max_length=255)
    comment: str | None = None
    owner: str | None = None


class VolumeInfo(Frozen):
    """One volume."""

    name: str
    catalog_name: str
    schema_name: str
    full_name: str
    volume_type: Literal["MANAGED"] = "MANAGED"
    volume_id: str
    storage_location: str
    """`s3://…`: where tasks and warehouses of this workspace read and write it directly."""
    comment: str | None = None
    owner: str
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str


class VolumeList(Frozen):
    """Answer of `GET volumes`."""

    volumes: tuple[VolumeInfo, ...] = ()
    next_page_token: str | None = None


class DirectoryEntry(Frozen):
    """One file or folder of a folder."""

    path: str
    name: str
    is_directory: bool
    file_size: int | None = None
    last_modified: int | None = None
    """Milliseconds since 1970; files only."""


class DirectoryPage(Frozen):
    """Answer of `GET fs/directories/{path}`."""

    contents: tuple[DirectoryEntry, ...] = ()
    next_page_token: str | None = None


class SessionToken(Frozen):
    """The session of a multi-part upload."""

    session_token: str


class InitiatedUpload(Frozen):
    """Answer of `POST fs/files/{path}?action=initiate-upload`."""

    multipart_upload: SessionToken


class UploadPart(Model):
    """One part, as the store acknowledged it."""

    part_number: int = Field(ge=1, le=10_000)
    etag: str = Field(min_length=1, max_length=128)


class CompleteUpload(Model):
    """Body of `POST fs/files/{path}?action=complete-upload`."""

    parts: tuple[UploadPart, ...] = Field(min_length=1, max_length=10_000)


class Header(Frozen):
    """A header that the client must send with a link."""

    name: str
    value: str


class CreateUploadPartUrls(Model):
    """Request of `POST fs/create-upload-part-urls`."""

    path: str
    session_token: str
    start_part_number: int = Field(ge=1, le=10_000)
    count: int = Field(default=1, ge=1, le=1_000)
    expire_time: str | None = None
    """RFC 3339; an hour from now at the latest, and when it is left out."""


class PartUrl(Frozen):
    """Where one part is to be PUT."""

    url: str
    part_number: int
    headers: tuple[Header, ...] = ()


class PartUrls(Frozen):
    """Answer of `POST fs/create-upload-part-urls`."""

    upload_part_urls: tuple[PartUrl, ...]


class CreateAbortUrl(Model):
    """Request of `POST fs/create-abort-upload-url`."""

    path: str
    session_token: str
    expire_time: str | None = None


class Link(Frozen):
    """An address that works without a token, for a while."""

    url: str
    headers: tuple[Header, ...] = ()


class AbortUrl(Frozen):
    """Answer of `POST fs/create-abort-upload-url`."""

    abort_upload_url: Link
