"""What goes wrong with files, by the names that Databricks' Files and DBFS APIs have for it."""

from spec.errors import Conflict, Invalid, OpenLakeError


class AlreadyThere(Conflict):
    """Something is at the path (Files API)."""

    code = "ALREADY_EXISTS"


class FolderNotEmpty(Invalid):
    """The folder holds something (Files API)."""

    code = "DIRECTORY_NOT_EMPTY"


class Changed(OpenLakeError):
    """The file is not any more as the reader's condition wants it."""

    code = "FAILED_PRECONDITION"
    status = 412


class OutOfRange(OpenLakeError):
    """The file has no such bytes."""

    code = "OUT_OF_RANGE"
    status = 416
