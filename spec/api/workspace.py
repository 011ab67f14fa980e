"""Requests and answers of `workspace/*` (Databricks Workspace API 2.0)."""

from typing import Literal

from pydantic import Field

from spec.attempts import Frozen
from spec.model import Model

ExportFormat = Literal["SOURCE", "AUTO", "RAW", "JUPYTER", "HTML", "DBC", "R_MARKDOWN"]
"""DBC and R_MARKDOWN are refused with the reason."""


class ImportFile(Model):
    """Request of `workspace/import`, as JSON or as the fields of a form."""

    path: str = Field(min_length=1)
    content: str = ""
    """Base64 in JSON; the file part in a form."""
    format: Literal["SOURCE", "AUTO", "RAW", "JUPYTER", "HTML", "DBC", "R_MARKDOWN"] = "SOURCE"
    language: Literal["PYTHON", "SQL", "SCALA", "R"] | None = None
    overwrite: bool = False


class PathRef(Model):
    """Request of `workspace/mkdirs`."""

    path: str = Field(min_length=1)


class DeletePath(PathRef):
    """Request of `workspace/delete`."""

    recursive: bool = False


class ObjectInfo(Frozen):
    """One path of the workspace."""

    object_type: Literal["NOTEBOOK", "FILE", "DIRECTORY"]
    object_id: int
    resource_id: str
    path: str
    language: str | None = None
    size: int | None = None
    created_at: int | None = None
    modified_at: int | None = None


class ObjectList(Frozen):
    """Answer of `workspace/list`."""

    objects: tuple[ObjectInfo, ...] = ()


class Exported(Frozen):
    """Answer of `workspace/export`."""

    content: str
    """Base64."""
    file_type: str
