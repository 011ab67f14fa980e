"""Drives one attempt through the engine port, from opening it to its outcome. Knows no Temporal."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from activities import faults, lineage
from activities.engines.base import EngineAdapter, Feeds, Handle
from activities.engines.local import FileLog
from activities.faults import Point
from activities.files import BlobSource, materialise
from activities.folder import AttemptFolder
from activities.shipping import Shipper, Sink, persist
from spec.attempts import (
    AttemptOutcome,
    AttemptOutput,
    AttemptRef,
    AttemptResult,
    AttemptWork,
)
from spec.errors import AttemptOver, LibraryInstallationFailed, OpenLakeError
from spec.ids import submit_key

T = TypeVar("T")
Install = Callable[[AttemptWork, AttemptFolder, BlobSource], Awaitable[None]]
_OPEN_TO_STOP_S = 10.0
_CANCELED = "The attempt was cancelled."


class Control(Sink, BlobSource, Protocol):
    """The internal API, as far as driving an attempt needs it."""

    async def open(self, ref: AttemptRef, host: str) -> AttemptWork:
        """Open the attempt, or open it again."""
        ...

    async def redact(self, task_run_id: int, text: str) -> str:
        """Return text without the secrets that the attempt was given."""
        ...


class WrongHost(Exception):
    """The work is on another machine.

    Args:
        host: Which.
        handle: What is known of it, as JSON.
    """

    def __init__(self, host: str, handle: str | None) -> None:
        """See class."""
        super().__init__(f"this attempt's work is on the host '{host}'")
        self.host = host
        self.handle = handle


class Follower:
    """One attempt on its way; made anew for every execution of the activity.

    Args:
        ref: The attempt.
        control: The internal API.
        adapter: The attempt's engine.
        host: The name of this worker's host.
        folder: Root of the attempt folders.
        known: The handle that an earlier execution left, as JSON.
        install: Installs the libraries that the work brings along.
    """

    def __init__(
        self,
        ref: AttemptRef,
        control: Control,
        adapter: EngineAdapter,
        host: str,
        folder: Path,
        known: str | None,
        install: Install | None = None,
    ) -> None:
        """See class."""
        self.ref = ref
        self.handle = None if known is None else Handle.model_validate_json(known)
        self._control = control
        self._adapter = adapter
        self._host = host
        self._folder = folder
        self._install = install
        self._stop = asyncio.Event()
        self._timeout_s: int | None = None
        if ref.stop:
            self._stop.set()

    def stop(self) -> None:
        """Ask for the end; `run` stops the work and returns CANCELED."""
        self._stop.set()

    async def run(self) -> AttemptOutcome:
        """Bring the attempt to its end.

        Raises:
            WrongHost: only another machine can follow this work.
            OpenLakeError: retryable: call again, the work goes on; otherwise nothing is running.
        """
        if self.handle is not None:
            self._check_host(self.handle.host)
        try:
            work = await self._unless_stopped(self._open())
            if work is None:
                # Stop first, ask afterwards: the internal API may be away for long.
                await self._abandon()
                work = await asyncio.wait_for(self._open(), _OPEN_TO_STOP_S)
            return await self._drive(work)
        except TimeoutError:
            return _outcome(AttemptResult.CANCELED, "CANCELED", _CANCELED)
        except AttemptOver as over:
            await self._abandon()
            return _outcome(AttemptResult.LOST, "DRIVER_ERROR", over.message)

    async def _open(self) -> AttemptWork:
        return await persist(lambda: self._control.open(self.ref, self._host))

    async def _drive(self, work: AttemptWork) -> AttemptOutcome:
        self._set_deadline(work)
        if self.handle is None:
            self.handle = await self._adapter.find(work.key, work)
        if self.handle is None:
            if self._adapter.is_local:
                self._check_host(work.host)
            try:
                ready = await self._unless_stopped(self._prepare(work))
                if ready is None or self._stop.is_set():
                    await self._leave(work, AttemptOutput())
                    return self._as_asked(_outcome(AttemptResult.CANCELED, "CANCELED", _CANCELED))
                self.handle = await self._adapter.submit(work, work.key)
            except OpenLakeError as error:
                if error.retryable or isinstance(error, AttemptOver):
                    raise
                return await self._refuse(work, error)
        return await self._see_through(work, self.handle)

    async def _see_through(self, work: AttemptWork, handle: Handle) -> AttemptOutcome:
        """Follow submitted work to its end, ship all it leaves, and tell the outcome."""
        feeds, base = self._adapter.feeds(handle), await self._log_base(work)
        shipper = Shipper(self._control, self.ref.task_run_id, feeds, base)
        engine = self.ref.engine.value
        shipper.announce(lineage.attempt_started(work.lineage, engine, work.started_at))
        shipping = asyncio.create_task(shipper.follow())
        try:
            handle = await self._follow(work, handle, shipping)
        except OpenLakeError as error:
            if not error.retryable:
                await self._adapter.cancel(handle)
            raise
        finally:
            shipping.cancel()
            await asyncio.gather(shipping, return_exceptions=True)
        outcome, output = await self._adapter.collect(handle, work)
        outcome = await self._redacted(self._as_asked(outcome))
        shipper.announce(lineage.attempt_ended(work.lineage, engine, outcome, datetime.now(UTC)))
        await shipper.finish(output)
        faults.reach(Point.BEFORE_FINISH, self.ref.task_key)
        return outcome

    async def _log_base(self, work: AttemptWork) -> int:
        """Return how much of the log other hosts had shipped when this one took over."""
        if self._adapter.is_local:
            return 0
        folder = AttemptFolder(self._folder / work.key, work.key)
        folder.make()
        noted = folder.read_json("log_base.json")
        if noted is None:
            tail = await persist(lambda: self._control.log_tail(self.ref.task_run_id))
            noted = tail.size
            folder.write("log_base.json", str(noted))
        return int(noted)

    async def _prepare(self, work: AttemptWork) -> AttemptFolder:
        """Put all in place that the work needs; may be given up, and repeated."""
        folder = AttemptFolder(self._folder / work.key, work.key)
        folder.make()
        await materialise(work.files, folder.work, self._folder / ".blobs", self._control)
        if self._install is not None:
            await self._install(work, folder, self._control)
        return folder

    async def _refuse(self, work: AttemptWork, error: OpenLakeError) -> AttemptOutcome:
        """Report work that could not be started and never will be."""
        trace: str | None = error.facts.get("trace")
        await self._leave(work, AttemptOutput(error=error.message, error_trace=trace))
        known = isinstance(error, LibraryInstallationFailed)
        code = error.code if known else "RUN_EXECUTION_ERROR"
        return await self._redacted(_outcome(AttemptResult.FAILED, code, error.message))

    async def _redacted(self, outcome: AttemptOutcome) -> AttemptOutcome:
        """Take secrets out of what the outcome says: it goes into the workflow's history."""
        if not outcome.message:
            return outcome
        text = await persist(lambda: self._control.redact(self.ref.task_run_id, outcome.message))
        return outcome.model_copy(update={"message": text})

    async def _leave(self, work: AttemptWork, output: AttemptOutput) -> None:
        """Ship what was written about work that never began."""
        folder = AttemptFolder(self._folder / work.key, work.key)
        feeds = Feeds(FileLog(folder.log), folder.lineage)
        await Shipper(self._control, self.ref.task_run_id, feeds).finish(output)

    async def _follow(
        self, work: AttemptWork, handle: Handle, shipping: asyncio.Task[None]
    ) -> Handle:
        """Poll until the work has ended; stop it when that is asked for or its time is up."""
        while True:
            if self._stop.is_set():
                await self._adapter.cancel(handle)
                return handle
            if shipping.done():
                shipping.result()
            progress = await self._unless_stopped(self._adapter.poll(handle, work))
            if progress is not None:
                handle = self.handle = progress.handle or handle
                if progress.done:
                    return handle

    async def _abandon(self) -> None:
        """Stop whatever was submitted for this attempt."""
        if self.handle is None:
            self.handle = await self._adapter.find(submit_key(self.ref.task_run_id))
        if self.handle is not None:
            await self._adapter.cancel(self.handle)

    def _check_host(self, host: str | None) -> None:
        if host is not None and host != self._host:
            raise WrongHost(host, None if self.handle is None else self.handle.model_dump_json())

    def _set_deadline(self, work: AttemptWork) -> None:
        if work.timeout_s > 0:
            spent = (datetime.now(UTC) - work.started_at).total_seconds()
            left = max(0.0, work.timeout_s - spent)
            asyncio.get_running_loop().call_later(left, self._expire, work.timeout_s)

    def _expire(self, timeout_s: int) -> None:
        if not self._stop.is_set():
            self._timeout_s = timeout_s
            self._stop.set()

    def _as_asked(self, outcome: AttemptOutcome) -> AttemptOutcome:
        """Say why the work was stopped, if it was; an end that was quicker stays what it is."""
        stopped = outcome.result in (AttemptResult.CANCELED, AttemptResult.LOST)
        if not self._stop.is_set() or not stopped:
            return outcome
        result, message = AttemptResult.CANCELED, _CANCELED
        if self._timeout_s is not None:
            result = AttemptResult.TIMEDOUT
            message = f"The task ran longer than its timeout of {self._timeout_s} s."
        return outcome.model_copy(update={"result": result, "code": "CANCELED", "message": message})

    async def _unless_stopped(self, step: Coroutine[Any, Any, T]) -> T | None:
        """Await the step, but give it up for None as soon as the end is asked for."""
        stepping = asyncio.ensure_future(step)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait({stepping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return stepping.result() if stepping.done() else None
        finally:
            for task in (stepping, stopping):
                task.cancel()
            await asyncio.gather(stepping, stopping, return_exceptions=True)


def _outcome(result: AttemptResult, code: str, message: str) -> AttemptOutcome:
    return AttemptOutcome(
        result=result, code=code, message=message[:1000], ended_at=datetime.now(UTC)
    )
