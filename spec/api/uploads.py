"""Shapes of `/api/openlake/1.0/uploads`: files on their way into tables."""

from pydantic import Field

from spec.api.runs import IdempotencyToken
from spec.attempts import Frozen
from spec.loads import FileFormat, LoadOptions, LoadTask


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


class LoadRequest(LoadOptions):
    """Request of `POST /api/openlake/1.0/uploads/{upload_id}/load`."""

    idempotency_token: str | None = IdempotencyToken

    def task(self, upload_id: str) -> LoadTask:
        """Return the task that does it."""
        options = {name: getattr(self, name) for name in LoadOptions.model_fields}
        return LoadTask(upload_id=upload_id, **options)


class LoadAnswer(Frozen):
    """The run that loads the file: follow it like any other."""

    run_id: int = Field(description="See `jobs/runs/get`.")
