"""Shapes of `/api/openlake/1.0/uploads`: files on their way into tables."""

from typing import Any

from pydantic import Field

from spec.api.runs import IdempotencyToken
from spec.attempts import Frozen
from spec.loads import ColumnType, CsvOptions, FileFormat, LoadMode
from spec.model import Model


class UploadView(Frozen):
    """A file that was uploaded and can be loaded into tables."""

    upload_id: str
    name: str
    size_bytes: int
    sha256: str
    format: FileFormat | None = None
    """What its name tells; None when it does not."""
    created_by: str
    created_at: int
    """Milliseconds since 1970, as are the others."""
    expires_at: int
    """From then on it cannot be loaded any more."""


class UploadList(Frozen):
    """One page of uploads, newest first."""

    uploads: tuple[UploadView, ...] = ()
    next_page_token: str | None = None


class LoadRequest(Model):
    """Request of `POST /api/openlake/1.0/uploads/{upload_id}/load`."""

    table: str
    """`schema.table`, or `lakehouse.schema.table`."""
    mode: LoadMode = LoadMode.CREATE
    format: FileFormat | None = None
    columns: dict[str, ColumnType] = {}
    csv: CsvOptions | None = None
    dry_run: bool = False
    idempotency_token: str | None = IdempotencyToken

    def task(self, upload_id: str) -> dict[str, Any]:
        """Return the `load_task` that does it."""
        fields = self.model_dump(mode="json", exclude_defaults=True, exclude={"idempotency_token"})
        return {"upload_id": upload_id, **fields}


class LoadAnswer(Frozen):
    """The run that loads the file: follow it like any other."""

    run_id: int = Field(description="See `jobs/runs/get`.")
