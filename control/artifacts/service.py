"""Takes and gives the archive that an attempt left: an executed notebook, dbt's own files."""

import asyncio
import gzip
import io
import tarfile
import zlib

import structlog

from control.auth import Caller
from control.deps import Deps
from control.gateway.attempts import known_attempt
from control.runs.access import permitted_task
from control.secrets.reading import redactor_of
from control.secrets.redaction import Redactor
from spec.attempts import MOST_ARTIFACT_BYTES
from spec.errors import Invalid, NotFound
from spec.ids import run_of

log = structlog.get_logger(__name__)

MOST_UNPACKED_BYTES = 256 * 1024 * 1024
"""Of an archive in which secrets have to be looked for."""

_BROKEN = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError)


def key_of(task_run_id: int) -> str:
    """Return the object key of an attempt's archive."""
    return f"artifacts/{run_of(task_run_id)}/{task_run_id}.tar.gz"


def check_size(size_bytes: int) -> None:
    """Refuse an archive that is too large to be kept."""
    if size_bytes > MOST_ARTIFACT_BYTES:
        raise Invalid(
            f"an attempt's artifacts have at most {MOST_ARTIFACT_BYTES} bytes, not {size_bytes}"
        )


async def put(deps: Deps, task_run_id: int, content: bytes) -> None:
    """Keep an attempt's archive without the secrets that it was given; the last one counts.

    User code may have written anything here: what is no archive, while there are secrets to take
    out, is dropped.

    Raises:
        Invalid: it is too large.
        NotFound: there is no such attempt.
        Unavailable: the object store does not answer.
    """
    check_size(len(content))
    async with deps.database.read_session() as session:
        await known_attempt(session, task_run_id)
        redactor = await redactor_of(deps, session, task_run_id)
    if redactor:
        try:
            content = await asyncio.to_thread(redacted, content, redactor)
        except _BROKEN as error:
            log.warning("artifacts.dropped", task_run_id=task_run_id, error=str(error))
            return
    await deps.objects.put(key_of(task_run_id), content)


def redacted(content: bytes, redactor: Redactor) -> bytes:
    """Return a `.tar.gz` with every secret taken out of its files' names and bytes.

    Raises:
        OSError: it is no such archive, or unpacks to too much.
    """
    room = MOST_UNPACKED_BYTES
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as given,
        tarfile.open(fileobj=packed, mode="w:gz") as kept,
    ):
        for member in given:
            room -= member.size
            if room < 0:
                raise OSError(f"it unpacks to more than {MOST_UNPACKED_BYTES} bytes")
            file = given.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            clean, _ = redactor.whole(file.read())
            entry = tarfile.TarInfo(redactor.text(member.name))
            entry.size, entry.mtime = len(clean), member.mtime
            kept.addfile(entry, io.BytesIO(clean))
    return packed.getvalue()


async def get(deps: Deps, caller: Caller, task_run_id: int) -> bytes:
    """Return the archive that a task run left.

    Raises:
        NotFound: there is no such task run, or it has left none.
    """
    async with deps.database.read_session() as session:
        await permitted_task(session, caller, task_run_id)
    return await read(deps, task_run_id)


async def read(deps: Deps, task_run_id: int) -> bytes:
    """Return the archive of a task run that may be read.

    Raises:
        NotFound: it has left none.
    """
    try:
        return await deps.objects.get(key_of(task_run_id))
    except NotFound:
        raise NotFound(
            f"Task run {task_run_id} has left no artifacts; notebook and dbt tasks leave some when"
            " they end.",
            task_run_id=task_run_id,
        ) from None


def first_file(archive: bytes, name: str, limit: int) -> bytes | None:
    """Return the archive's first file if it has this name; at most `limit` + 1 bytes of it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as given:
            member = given.next()
            file = given.extractfile(member) if member is not None and member.isfile() else None
            if member is None or file is None or member.name != name:
                return None
            return file.read(limit + 1)
    except _BROKEN:
        return None
