"""What may be done to uploaded files."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from sqlmodel.ext.asyncio.session import AsyncSession

from control import paging
from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.ids import new_id
from control.runs import service as runs
from control.uploads import store
from control.uploads.tables import Upload
from spec.api.uploads import LoadAnswer, LoadRequest, UploadList, UploadView
from spec.attempts import LoadProgram
from spec.errors import Invalid, TooLarge
from spec.jobs import JobSettings
from spec.loads import FileFormat, LoadTask, format_of
from spec.publish import PublishPolicy
from spec.tasks import Task

MOST_BYTES = 5 << 30
"""Of one file; S3's own limit of an object that is copied in one step."""

KEPT = timedelta(days=1)
"""How long a file waits to be loaded."""

LINK_LIFE_S = 6 * 3600
"""How long an attempt may take to fetch it."""

_MOST_PURGED = 500


@dataclass(frozen=True)
class _Spooled:
    file: Path
    size_bytes: int
    sha256: str


async def create(
    deps: Deps, caller: Caller, name: str, announced: int | None, body: AsyncIterator[bytes]
) -> UploadView:
    """Keep a file; it is spooled to disk, so its size costs no memory.

    Args:
        deps: Of this process.
        caller: Whose file it is.
        name: What it is called, which tells its format.
        announced: The size that the client says it has.
        body: Its bytes.

    Raises:
        Invalid: it has no name, or no bytes.
        TooLarge: it has too many.
    """
    plain = PurePosixPath(name.replace("\\", "/")).name.strip()
    if not plain or len(plain) > 255:
        raise Invalid("'name' is the file's name, e.g. flights.csv, of at most 255 characters")
    if announced is not None and announced > MOST_BYTES:
        raise _too_large(announced)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="openlake-upload-") as folder:
        spooled = await _spool(body, Path(folder) / "file")
        upload = Upload(
            upload_id=new_id(),
            workspace_id=caller.workspace_id,
            name=plain,
            size_bytes=spooled.size_bytes,
            sha256=spooled.sha256,
            created_by=caller.user_name,
            created_at=now,
            expires_at=now + KEPT,
        )
        async with deps.database.session() as session:
            # Written down first: a file that nobody knows of would never be deleted.
            session.add(upload)
            audit.record(session, caller, "upload.created", "upload", upload.upload_id, name=plain)
        await deps.objects.put_file(upload.key, spooled.file)
    return view(upload)


async def _spool(body: AsyncIterator[bytes], file: Path) -> _Spooled:
    digest, size = hashlib.sha256(), 0
    with file.open("wb") as sink:
        async for piece in body:
            size += len(piece)
            if size > MOST_BYTES:
                raise _too_large(size)
            digest.update(piece)
            sink.write(piece)
    if not size:
        raise Invalid("the file is empty; send its bytes as the body of the request")
    return _Spooled(file, size, digest.hexdigest())


def _too_large(size: int) -> TooLarge:
    return TooLarge(
        f"a file has at most {MOST_BYTES >> 30} GiB, not {size} bytes; split it and append the"
        " parts, or compress it with gzip"
    )


async def get(deps: Deps, caller: Caller, upload_id: str) -> UploadView:
    """Return an upload."""
    async with deps.database.read_session() as session:
        return view(await store.get(session, caller.workspace_id, upload_id))


async def list_uploads(
    deps: Deps, caller: Caller, page_size: int, page_token: str | None
) -> UploadList:
    """Return one page of uploads, newest first."""
    below = paging.text_below(page_token)
    async with deps.database.read_session() as session:
        rows = await store.page(session, caller.workspace_id, below=below, limit=page_size + 1)
    shown, token = paging.cut_below(rows, page_size, lambda row: row.upload_id)
    return UploadList(uploads=tuple(view(row) for row in shown), next_page_token=token)


async def load(deps: Deps, caller: Caller, upload_id: str, request: LoadRequest) -> LoadAnswer:
    """Start the run that loads a file into a table; it is a transaction: all rows land, or none.

    Raises:
        NotFound: there is no such upload.
        Invalid: nobody can tell the file's format.
    """
    async with deps.database.read_session() as session:
        upload = await store.get(session, caller.workspace_id, upload_id)
    task = request.task(upload_id)
    file_format(upload.name, task)
    settings = JobSettings(
        name=f"load {upload.name}",
        tasks=(Task(task_key="load", load_task=task),),
        publish=PublishPolicy(on_failure="drop_branch", conflict="retry_publish"),  # pyright: ignore[reportArgumentType]
    )
    run = await runs.submit_settings(deps, caller, settings, request.idempotency_token)
    return LoadAnswer(run_id=run.run_id)


def file_format(name: str, task: LoadTask) -> FileFormat:
    """Return the format that a file is read in.

    Raises:
        Invalid: neither the task nor the file's name tells.
    """
    found = task.format or format_of(name)
    if found is None:
        known = ", ".join(each.value for each in FileFormat)
        raise Invalid(f"the name '{name}' does not tell the file's format; give 'format': {known}")
    return found


async def ready(
    deps: Deps, session: AsyncSession, workspace_id: int, program: LoadProgram
) -> LoadProgram:
    """Return a program that knows where the file of its upload is.

    Raises:
        NotFound: its time is over.
    """
    upload = await store.get(session, workspace_id, program.task.upload_id)
    return program.model_copy(
        update={
            "url": await deps.objects.link(upload.key, LINK_LIFE_S),
            "name": upload.name,
            "format": file_format(upload.name, program.task),
        }
    )


async def purge(deps: Deps, now: datetime) -> int:
    """Delete the files whose time is over; return how many. Harmless when repeated."""
    async with deps.database.session() as session:
        rows = await store.due(session, now, _MOST_PURGED)
        await deps.objects.delete([row.key for row in rows])
        for row in rows:
            row.purged_at = now
            session.add(row)
    return len(rows)


def view(row: Upload) -> UploadView:
    """Return an upload as the API shows it."""
    return UploadView(
        upload_id=row.upload_id,
        name=row.name,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        format=format_of(row.name),
        created_by=row.created_by,
        created_at=_ms(row.created_at or row.expires_at - KEPT),
        expires_at=_ms(row.expires_at),
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
