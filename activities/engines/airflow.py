"""Airflow: a task triggers a DAG run, whose id is the attempt's key; any worker can follow it.

What happened is Airflow's to say: state, times and the end are read from its REST API, so a worker
needs no notes to go on. Airflow itself keeps two runs of one id from coming to be. A run that is
stopped here carries a note that says so, which tells a cancelled run from one that failed.
"""

import asyncio
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from pydantic import JsonValue

from activities import faults
from activities.airflow.client import AirflowClient
from activities.airflow.diary import ACTIVE, Diary, facts_of, facts_of_run, label, log_page
from activities.config import WorkerConfig
from activities.engines.base import Feeds, Handle, Progress
from activities.engines.local import FileLog
from activities.faults import Point
from activities.folder import AttemptFolder
from spec.attempts import (
    AirflowProgram,
    AttemptOutcome,
    AttemptOutput,
    AttemptResult,
    AttemptWork,
)
from spec.errors import EngineRejected, EngineUnavailable

_POLL_S = 1.0
_KILL_S = 15.0
"""Airflow's worker hears of a stop at its next heartbeat (5 s), and kills 5 s after asking."""
_KILL_POLL_S = 0.5
_KILLED = "Task killed!"
"""The last line of a task's log once its process has ended (`sdk.execution_time.supervisor`)."""
_STOPPED = "Cancelled by OpenLake."
_OVER = ("success", "failed")
_SHOWN = 20
MOST_TASKS, MOST_RETURNED_BYTES = 100, 16 * 1024
"""More than that is left out of the task values, which together have 48 KiB."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class AirflowEngine:
    """See module."""

    is_local = False

    def __init__(self, config: WorkerConfig) -> None:
        """See `registry.load`."""
        self._folder_root = config.folder
        self._clients = {name: AirflowClient(name, at) for name, at in config.airflow.items()}
        self._diaries: dict[str, Diary] = {}
        self._since: dict[str, datetime | None] = {}

    async def find(self, key: str, work: AttemptWork | None = None) -> Handle | None:
        """See `EngineAdapter`; without the work, every Airflow is asked."""
        if work is None:
            return await self._find_anywhere(key)
        program = _program(work)
        try:
            run = await self._client(program.connection).run(program.dag_id, key)
        except EngineRejected:
            # Submitting says what is wrong.
            return None
        return None if run is None else _handle(key, program.connection, program.dag_id)

    async def submit(self, work: AttemptWork, key: str) -> Handle:
        """See `EngineAdapter`."""
        program = _program(work)
        client = self._client(program.connection)
        if await client.run(program.dag_id, key) is None:
            faults.reach(Point.BEFORE_INTENT, work.ref.task_key)
            await _require_ready(client, program.dag_id)
            ref = work.ref
            body = {
                "dag_run_id": key,
                "logical_date": work.started_at.isoformat(),
                "conf": program.conf,
                "note": f"OpenLake job '{work.job_name}', run {ref.run_id}, task '{ref.task_key}',"
                f" attempt {ref.attempt + 1}."[:1000],
            }
            # The key is the run's id, so the intent needs no note of its own.
            faults.reach(Point.AFTER_INTENT, work.ref.task_key)
            made = await client.trigger(program.dag_id, body)
            faults.reach(Point.AFTER_SUBMIT, work.ref.task_key)
            if not made and await client.run(program.dag_id, key) is None:
                raise EngineUnavailable(
                    f"the DAG '{program.dag_id}' has another run of this logical date; try again"
                )
        return _handle(key, program.connection, program.dag_id)

    async def poll(self, handle: Handle, work: AttemptWork) -> Progress:
        """See `EngineAdapter`."""
        with _asking_again():
            client, dag_id = self._where(handle)
            run = await client.run(dag_id, handle.key)
            if run is None:
                return Progress(done=True)
            done = run["state"] in _OVER
            diary = await self._write(handle, client, run, whole=done)
        if not done:
            await asyncio.sleep(_POLL_S)
        return Progress(
            done=done,
            handle=_handle(handle.key, handle.state["connection"], dag_id, diary.notes()),
        )

    async def cancel(self, handle: Handle) -> None:
        """See `EngineAdapter`."""
        with _asking_again():
            client, dag_id = self._where(handle)
            run = await client.run(dag_id, handle.key)
            if run is None or run["state"] in _OVER:
                return
            before, _ = await client.task_instances(dag_id, handle.key)
            await client.fail(dag_id, handle.key, f"{_STOPPED} {run['note'] or ''}"[:1000])
            running = [each for each in before if each["state"] in ("running", "restarting")]
            await _until_still(client, dag_id, handle.key, running)
            if run := await client.run(dag_id, handle.key):
                await self._write(handle, client, run, whole=True)

    async def collect(
        self, handle: Handle, work: AttemptWork
    ) -> tuple[AttemptOutcome, AttemptOutput]:
        """See `EngineAdapter`."""
        with _asking_again():
            client, dag_id = self._where(handle)
            run = await client.run(dag_id, handle.key)
            if run is None:
                return _lost(f"{client.title} has no DAG run '{handle.key}' any more"), (
                    AttemptOutput()
                )
            if run["state"] not in _OVER:
                # Somebody has cleared it in Airflow: it runs again.
                raise EngineUnavailable(f"the DAG run '{handle.key}' runs again; it is followed")
            page = client.page_of(dag_id, handle.key)
            instances, _ = await client.task_instances(dag_id, handle.key)
            values = await _values(client, run, instances, page)
        self._diaries.pop(handle.key, None)
        self._since.pop(handle.key, None)
        result, code, message, trace = _judge(run, instances, page)
        outcome = AttemptOutcome(
            result=result,
            code=code,
            message=message[:1000],
            started_at=run["start_date"],
            ended_at=run["end_date"],
        )
        failed = result is AttemptResult.FAILED
        error = message[:1000] if failed else None
        return outcome, AttemptOutput(error=error, error_trace=trace, values=values)

    def feeds(self, handle: Handle) -> Feeds:
        """See `EngineAdapter`."""
        folder = self._folder(handle.key)
        return Feeds(FileLog(folder.log), folder.lineage)

    async def close(self) -> None:
        """See `EngineAdapter`."""
        for client in self._clients.values():
            await client.close()

    async def _find_anywhere(self, key: str) -> Handle | None:
        away: EngineUnavailable | None = None
        for name, client in self._clients.items():
            try:
                run = await client.find(key)
            except EngineUnavailable as error:
                away = error
            except EngineRejected as error:
                _log.warning("airflow.not_asked", connection=name, error=error.message)
            else:
                if run is not None:
                    return _handle(key, name, run["dag_id"])
        if away is not None:
            raise away
        return None

    async def _write(
        self, handle: Handle, client: AirflowClient, run: dict[str, Any], *, whole: bool
    ) -> Diary:
        """Write down what is new; the whole of it at the end, else what changed lately."""
        key, dag_id = handle.key, run["dag_id"]
        diary = self._diaries.get(key)
        if diary is None:
            folder = self._folder(key)
            folder.make()
            diary = self._diaries[key] = Diary(folder.log, handle.state)
        since = None if whole else self._since.get(key)
        instances, self._since[key] = await client.task_instances(dag_id, key, since)
        for each in list(instances):
            number = each["try_number"]
            if number > 1 and not diary.knows_end(each, number - 1):
                instances += await client.tries(each)
        page = client.page_of(dag_id, key)
        facts = [fact for each in instances for fact in facts_of(each, page)]
        diary.write([*facts, *facts_of_run(run, page)])
        return diary

    def _where(self, handle: Handle) -> tuple[AirflowClient, str]:
        return self._client(handle.state["connection"]), handle.state["dag_id"]

    def _client(self, name: str) -> AirflowClient:
        client = self._clients.get(name)
        if client is None:
            known = ", ".join(f"'{each}'" for each in self._clients)
            there = f"there are {known}" if known else "there is none"
            raise EngineRejected(
                f"this worker knows no Airflow '{name}'; {there}. Name it in"
                " OPENLAKE_WORKER__AIRFLOW, or choose another 'connection'"
            )
        return client

    def _folder(self, key: str) -> AttemptFolder:
        return AttemptFolder(self._folder_root / key, key)


async def _require_ready(client: AirflowClient, dag_id: str) -> None:
    dag = await client.dag(dag_id)
    if dag is None:
        raise EngineRejected(
            f"{client.title} has no DAG '{dag_id}'; check its id, and Airflow's import errors"
        )
    if dag["is_paused"]:
        raise EngineRejected(
            f"the DAG '{dag_id}' is paused: its runs would wait for ever; unpause it in Airflow"
        )


async def _until_still(
    client: AirflowClient, dag_id: str, run_id: str, running: list[dict[str, Any]]
) -> None:
    """Wait until nothing of a failed run is active: teardowns have ended, processes are gone.

    Airflow calls a task failed before its process has ended; the task's log tells of that. Where
    no log can be read the wait ends when the process must be gone.
    """
    patience = asyncio.get_running_loop().time() + _KILL_S
    while running and asyncio.get_running_loop().time() < patience:
        running = [each for each in running if _KILLED not in await client.log(each)]
        await asyncio.sleep(_KILL_POLL_S if running else 0)
    while True:
        instances, _ = await client.task_instances(dag_id, run_id)
        if not any(each["state"] in ACTIVE for each in instances):
            return
        await asyncio.sleep(_KILL_POLL_S)


async def _values(
    client: AirflowClient, run: dict[str, Any], instances: list[dict[str, Any]], page: str
) -> dict[str, JsonValue]:
    """Return what later tasks may refer to."""
    values: dict[str, JsonValue] = {
        "dag_run_id": run["dag_run_id"],
        "dag_run_url": page,
        "state": run["state"],
    }
    if len(instances) <= MOST_TASKS:
        values["tasks"] = {label(each): each["state"] for each in instances}
    if run["state"] == "success":
        leaves = await client.leaves(run["dag_id"])
        last = [each for each in instances if [each["task_id"]] == leaves]
        if len(last) == 1 and last[0]["state"] == "success":
            returned = await client.returned(last[0])
            if returned is not None and len(json.dumps(returned)) <= MOST_RETURNED_BYTES:
                values["return_value"] = returned
    return values


def _judge(
    run: dict[str, Any], instances: list[dict[str, Any]], page: str
) -> tuple[AttemptResult, str, str, str | None]:
    """Return (result, Databricks' termination code, message, where to read on) of an ended run."""
    if run["state"] == "success":
        return AttemptResult.SUCCESS, "SUCCESS", "", None
    if (run["note"] or "").startswith(_STOPPED):
        return AttemptResult.CANCELED, "CANCELED", "The attempt was cancelled.", None
    failed = sorted((each for each in instances if each["state"] == "failed"), key=label)
    names = ", ".join(f"'{label(each)}'" for each in failed[:_SHOWN])
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    why = f"failed in {names}{more}"
    if not failed:
        why = "failed, though no task did: it was marked so, or ran out of its time"
    message = f"The run of the DAG '{run['dag_id']}' {why}; see {page}"
    trace = "\n".join(f"{label(each)}: {log_page(each, page)}" for each in failed[:_SHOWN])
    return AttemptResult.FAILED, "RUN_EXECUTION_ERROR", message, trace or None


def _lost(message: str) -> AttemptOutcome:
    return AttemptOutcome(result=AttemptResult.LOST, code="DRIVER_ERROR", message=message[:1000])


def _program(work: AttemptWork) -> AirflowProgram:
    if not isinstance(work.program, AirflowProgram):
        raise EngineRejected(f"Airflow cannot run a program of type '{work.program.type}'")
    return work.program


def _handle(
    key: str, connection: str, dag_id: str, notes: Mapping[str, str] | None = None
) -> Handle:
    state = {"connection": connection, "dag_id": dag_id, **(notes or {})}
    return Handle(key=key, state=state)


@contextmanager
def _asking_again() -> Generator[None]:
    """Make refusals retryable: what was submitted runs on, whoever is refused to look at it."""
    try:
        yield
    except EngineRejected as error:
        raise EngineUnavailable(error.message) from error
