"""Requests and answers of `dbfs/*` (Databricks DBFS API 2.0)."""

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model


class DbfsPath(Model):
    """Request of `dbfs/mkdirs`."""

    path: str = Field(min_length=1)


class CreateHandle(DbfsPath):
    """Request of `dbfs/create`."""

    overwrite: bool = False


class PutFile(CreateHandle):
    """Request of `dbfs/put`, as JSON or as the fields of a form."""

    contents: str = ""
    """Base64 of at most 1 MiB in JSON; the file part in a form."""


class DeleteFile(DbfsPath):
    """Request of `dbfs/delete`."""

    recursive: bool = False


class MoveFile(Model):
    """Request of `dbfs/move`."""

    source_path: str = Field(min_length=1)
    destination_path: str = Field(min_length=1)


class Handle(Model):
    """A file that is being written: request of `dbfs/close`, answer of `dbfs/create`."""

    handle: int


class AddBlock(Handle):
    """Request of `dbfs/add-block`."""

    data: str
    """Base64 of at most 1 MiB."""


class DbfsFile(Frozen):
    """A file or folder of DBFS."""

    path: str
    is_dir: bool
    file_size: int = 0
    modification_time: int = 0
    """Milliseconds since 1970; 0 of folders."""


class DbfsFiles(Frozen):
    """Answer of `dbfs/list`."""

    files: tuple[DbfsFile, ...] = ()


class DbfsBytes(Frozen):
    """Answer of `dbfs/read`."""

    bytes_read: int
    data: str
    """Base64."""
