"""Writes a run's evidence as one JSON document, however many attempts the run has.

The parts are read in pages within one transaction, so that they fit together, and written to a
file that goes to disk when it grows: a run of 10,000 iterations takes some tens of megabytes there
and little memory.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import Any, cast

from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.evidence import parts, store
from control.lineage.graph import run_graph
from control.runs.access import permitted
from control.runs.tables import Run
from control.stack.part import own_version
from control.transactions import service as transactions
from spec.api.evidence import EvidenceDeed, EvidenceExecution, EvidenceForEach, EvidenceMlflow
from spec.evidence import FORMAT, FORMAT_VERSION, canonical
from spec.states import RunLife

_IN_MEMORY_BYTES = 4 * 1024 * 1024
_MOST_DEEDS = 1_000


class Document:
    """Canonical JSON that is written part by part and ends with its own SHA-256."""

    def __init__(self) -> None:
        """See class."""
        self.file = SpooledTemporaryFile[bytes](max_size=_IN_MEMORY_BYTES)
        self._hash = hashlib.sha256()
        self._last = ""

    def add(self, name: str, value: Any) -> None:
        """Write a field.

        Raises:
            ValueError: its name does not come after the one before, as canonical JSON wants it.
        """
        self._begin(name)
        self._write(canonical(_plain(value)))

    async def add_list(self, name: str, entries: AsyncIterator[BaseModel]) -> None:
        """Write a field whose entries come one by one."""
        self._begin(name)
        self._write("[")
        comma = ""
        async for entry in entries:
            self._write(comma + canonical(_plain(entry)))
            comma = ","
        self._write("]")

    def finish(self) -> SpooledTemporaryFile[bytes]:
        """Close the document with its hash; return the file, ready to be read."""
        self._hash.update(b"}")
        self.file.write(f',"sha256":"{self._hash.hexdigest()}"}}'.encode())
        self.file.seek(0)
        return self.file

    def _begin(self, name: str) -> None:
        if name <= self._last:
            raise ValueError(f"'{name}' does not come after '{self._last}'")
        self._write(("," if self._last else "{") + canonical(name) + ":")
        self._last = name

    def _write(self, text: str) -> None:
        content = text.encode()
        self._hash.update(content)
        self.file.write(content)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(each) for each in cast(list[Any], value)]
    return value


async def make(deps: Deps, caller: Caller, run_id: int) -> SpooledTemporaryFile[bytes]:
    """Return a run's evidence as a file at its beginning; whoever reads it closes it.

    Raises:
        NotFound: there is no such run.
    """
    document = Document()
    try:
        async with deps.database.read_session(one_moment=True) as session:
            run = await permitted(session, caller, run_id)
            await _write(document, session, deps, caller, run)
    except BaseException:
        document.file.close()
        raise
    return document.finish()


async def _write(
    document: Document, session: AsyncSession, deps: Deps, caller: Caller, run: Run
) -> None:
    executions = await _executions(session, run)
    hashes = {execution.settings_hash for execution in executions}
    document.add("audit", await _deeds(session, run))
    await document.add_list("events", _events(session, run.run_id))
    document.add("executions", executions)
    document.add("final", RunLife(run.life).is_over)
    document.add("for_each", await _for_each(session, run.run_id))
    document.add("format", FORMAT)
    document.add("format_version", FORMAT_VERSION)
    document.add("lineage", await run_graph(session, run.workspace_id, run.run_id))
    document.add("made_at", datetime.now(UTC).isoformat())
    document.add("made_by", caller.user_name)
    document.add("mlflow", _mlflow(deps, run.run_id))
    document.add("openlake_version", own_version())
    document.add("run", parts.of_run(run))
    pinned = [parts.of_settings(row) for row in await store.snapshots(session, hashes)]
    document.add("settings", pinned)
    await document.add_list("task_runs", _task_runs(session, run.run_id))
    document.add("transactions", await transactions.views_of_run(session, run.run_id))
    document.add("workspace_id", run.workspace_id)


async def _executions(session: AsyncSession, run: Run) -> list[EvidenceExecution]:
    rows = {row.execution: row for row in await store.executions(session, run.run_id)}
    past = [parts.of_execution(row) for row in rows.values() if row.execution < run.execution]
    return [*past, parts.newest(run, rows.get(run.execution) if run.execution else None)]


async def _deeds(session: AsyncSession, run: Run) -> list[EvidenceDeed]:
    entries = await audit.entries(
        session,
        run.workspace_id,
        audit.Filters(object_type="run", object_id=str(run.run_id)),
        before=None,
        limit=_MOST_DEEDS,
    )
    return [
        EvidenceDeed.model_validate(entry.model_dump(include=set(EvidenceDeed.model_fields)))
        for entry in reversed(entries)
    ]


async def _events(session: AsyncSession, run_id: int) -> AsyncIterator[BaseModel]:
    async for row in store.events(session, run_id):
        yield parts.of_event(row)


async def _task_runs(session: AsyncSession, run_id: int) -> AsyncIterator[BaseModel]:
    async for attempt in store.attempts(session, run_id):
        yield parts.of_attempt(attempt)


async def _for_each(session: AsyncSession, run_id: int) -> list[EvidenceForEach]:
    found: list[EvidenceForEach] = []
    for row in await store.for_each_runs(session, run_id):
        # The canonical JSON of the list of all inputs, without holding them all.
        inputs = hashlib.sha256(b"[")
        async for each in store.inputs(session, row.task_run_id):
            inputs.update((("," if each.index else "") + canonical(each.input)).encode())
        inputs.update(b"]")
        found.append(
            EvidenceForEach(
                task_run_id=row.task_run_id,
                task_key=row.task_key,
                total=row.total,
                inputs_sha256=inputs.hexdigest(),
            )
        )
    return found


def _mlflow(deps: Deps, run_id: int) -> EvidenceMlflow:
    return EvidenceMlflow(
        tracking_uri=deps.public_url, filter=f"tags.`openlake.run_id` = '{run_id}'"
    )
