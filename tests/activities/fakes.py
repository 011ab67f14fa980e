"""Stand-ins for what is outside: the internal API, in memory, and a maker of work."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

from spec.attempts import (
    AttemptOutput,
    AttemptRef,
    AttemptWork,
    CatalogAccess,
    LineageParent,
    LogTail,
    Program,
    PythonProgram,
    StorageAccess,
)
from spec.errors import AttemptOver, Invalid, Unavailable
from spec.ids import lineage_run_id, run_of, submit_key
from spec.tasks import Engine, Isolation


def make_ref(ordinal: int = 1, engine: Engine = Engine.PYTHON, **changes: Any) -> AttemptRef:
    """Make the reference of one attempt of run 7."""
    run_id = 7 << 20
    values: dict[str, Any] = {
        "workspace_id": 1,
        "job_id": 5,
        "run_id": run_id,
        "task_key": "step",
        "attempt": 0,
        "task_run_id": run_id + ordinal,
        "engine": engine,
    }
    return AttemptRef(**(values | changes))


def make_work(ref: AttemptRef, program: Program | None = None, **changes: Any) -> AttemptWork:
    """Make work for an attempt; nothing answers at its addresses."""
    values: dict[str, Any] = {
        "ref": ref,
        "key": submit_key(ref.task_run_id),
        "job_name": "nightly",
        "program": program or PythonProgram(path="main.py"),
        "catalog": CatalogAccess(uri="http://127.0.0.1:1/iceberg", token="catalog-token"),
        "storage": StorageAccess(
            endpoint="http://127.0.0.1:1", region="us-east-1", access_key="ak", secret_key="sk"
        ),
        "lineage": LineageParent(
            namespace="openlake",
            job_name="nightly.step",
            run_id=str(lineage_run_id(ref.task_run_id)),
            parent_job_name="nightly",
            parent_run_id=str(lineage_run_id(run_of(ref.task_run_id))),
        ),
        "started_at": datetime.now(UTC),
    }
    return AttemptWork(**(values | changes))


class FakeControl:
    """The internal API in memory. Set `down` to make it unreachable, `over` to end the attempt."""

    def __init__(self) -> None:
        self.works: dict[int, AttemptWork] = {}
        self.blobs: dict[str, bytes] = {}
        self.logs: dict[int, bytearray] = {}
        self.events: list[Any] = []
        self.refused: Any = None
        """An event that is not taken, nor what comes with it."""
        self.outputs: dict[int, AttemptOutput] = {}
        self.artifacts: dict[int, bytes] = {}
        self.opened: list[tuple[int, str]] = []
        self.down = False
        self.over = False
        self.appends = 0
        self.secret = ""
        self.held = 0
        """So many last bytes of a chunk are not taken, unless it is the final one."""
        self.isolation = Isolation.PROCESS
        """Of all work that is added."""

    def add(self, work: AttemptWork, **sources: str) -> AttemptWork:
        """Know this work, with files by name (`main` is `main.py`) and content."""
        files: dict[str, str] = {}
        for name, source in sources.items():
            content = source.encode()
            sha256 = hashlib.sha256(content).hexdigest()
            self.blobs[sha256] = content
            files[f"{name}.py" if "." not in name else name] = sha256
        compute = work.compute.model_copy(update={"isolation": self.isolation})
        work = work.model_copy(update={"files": {**work.files, **files}, "compute": compute})
        self.works[work.ref.task_run_id] = work
        return work

    def log(self, ref: AttemptRef) -> str:
        """The log that has arrived."""
        return bytes(self.logs.get(ref.task_run_id, b"")).decode()

    async def open(self, ref: AttemptRef, host: str) -> AttemptWork:
        await self._answer()
        if self.over:
            raise AttemptOver("The attempt is over")
        self.opened.append((ref.task_run_id, host))
        return self.works[ref.task_run_id]

    async def blob(self, sha256: str) -> bytes:
        await self._answer()
        return self.blobs[sha256]

    async def redact(self, task_run_id: int, text: str) -> str:
        await self._answer()
        return text.replace(self.secret, "[REDACTED]") if self.secret else text

    async def append_log(
        self, task_run_id: int, offset: int, chunk: bytes, *, final: bool = False
    ) -> LogTail:
        await self._answer()
        if self.held and not final:
            chunk = chunk[: -self.held]
        log = self.logs.setdefault(task_run_id, bytearray())
        if offset == len(log):
            self.appends += 1
            log.extend(chunk)
        return LogTail(size=len(log))

    async def log_tail(self, task_run_id: int) -> LogTail:
        await self._answer()
        return LogTail(size=len(self.logs.get(task_run_id, b"")))

    async def add_lineage(self, task_run_id: int, events: list[Any]) -> None:
        await self._answer()
        if self.refused is not None and self.refused in events:
            raise Invalid("this is not an OpenLineage event")
        self.events.extend(event for event in events if event not in self.events)

    async def put_artifacts(self, task_run_id: int, content: bytes) -> None:
        self.artifacts[task_run_id] = content

    async def put_output(self, task_run_id: int, output: AttemptOutput) -> None:
        await self._answer()
        self.outputs[task_run_id] = output

    async def _answer(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("The internal API is down")
