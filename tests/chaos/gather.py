"""Looks at a trial from outside when all is over: API, PostgreSQL, Temporal, catalog, /proc."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.worker import Replayer

from activities.processes import MARKER
from control.gateway.identity import Identity
from control.gateway.upstream import Catalog
from control.stack.layout import Layout
from control.temporal import connect
from spec.ids import workflow_id
from tests.chaos.evidence import AttemptSeen, Evidence, Left, RunSeen
from tests.chaos.ground import Ground
from tests.chaos.workload import PUBLISHED, Asked, end_of
from workflows.worker import RUNNER, WORKFLOWS

_LEFT_WITHIN_S = 75.0
"""A minute, as the promise says, and what it takes to look."""
_OLD_S = 60.0
_REPLAYED = 3
_SQL_TASKS = frozenset({"right", "more", "make", "read", "each"})
"""Tasks that run no program; `each` only opens its iterations."""

_ATTEMPTS = """
SELECT task_run_id, run_id, task_key, attempt, coalesce(result, '') FROM task_runs
 WHERE run_id = ANY(%s) ORDER BY task_run_id
"""
_RUNS = """
SELECT run_id, life, coalesce(result, ''), triggered_at, message, ended_at FROM runs
WHERE run_id = ANY(%s)
"""
_GAPS = """
SELECT run_id, execution, stream, count(*), min(seq), max(seq) FROM run_events
WHERE run_id = ANY(%s) GROUP BY 1, 2, 3 HAVING max(seq) - min(seq) + 1 <> count(*) OR min(seq) > 1
"""
_LOCKS = """
SELECT pid, state, left(query, 80) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND xact_start < clock_timestamp() - interval '60 seconds'
"""


class Gatherer:
    """Looks at what a trial left on its ground.

    Args:
        ground: Of the trial.
        asked: What it asked for.
        since_ms: When it began, since 1970.
        after: The witness's last entry before it began.
        dice: Chooses what is replayed.
    """

    def __init__(
        self, ground: Ground, asked: Asked, since_ms: int, after: int, dice: random.Random
    ) -> None:
        """See class."""
        self._ground, self._asked, self._dice = ground, asked, dice
        self._since_ms, self._after = since_ms, after
        self._layout = ground.stack.layout

    def gather(self, before: Left) -> Evidence:
        """Look at everything; takes as long as things may take to go away.

        Args:
            before: What was there when the trial began, which others have left.
        """
        ground, asked = self._ground, self._asked
        kinds = self._kinds()
        runs = [
            RunSeen(run_id, kinds[run_id], *others)
            for run_id, *others in self._rows(_RUNS, list(kinds))
        ]
        attempts = [
            AttemptSeen(number, run_id, key, attempt, result, _is_program(key))
            for number, run_id, key, attempt, result in self._rows(_ATTEMPTS, list(kinds))
        ]
        temporal, replay_errors = asyncio.run(self._look_at_temporal(list(kinds)))
        statements = {each: end_of(ground.workload.answer(each)) for each in asked.statements}
        return Evidence(
            asked=asked.runs,
            asked_again=self._ask_again(),
            runs=runs,
            attempts=attempts,
            seen=ground.witness.seen(self._after),
            logs={
                each.task_run_id: ground.workload.log(each.task_run_id)
                for each in attempts
                if each.is_program
            },
            rows=self._published(set(kinds)),
            statements=statements,
            temporal=temporal,
            event_gaps=[f"events of a run have a gap: {row}" for row in self._gaps(list(kinds))],
            replay_errors=replay_errors,
            audited=self._audited(list(kinds)),
            odd_deaths=[
                f"{each.part} ended by itself with {each.code} after {each.age_s:.0f} s"
                for each in ground.crew.deaths
                if each.is_odd
            ],
            cancelled=frozenset(asked.cancelled),
            left=_await_gone(ground, before),
        )

    def _kinds(self) -> dict[int, str]:
        """Return every run of the jobs since the trial began, asked for or not."""
        found = dict(self._asked.kinds)
        for name in self._ground.workload.jobs:
            for run in self._ground.workload.runs_of(name, self._since_ms):
                found.setdefault(int(run["run_id"]), name)
        return found

    def _ask_again(self) -> dict[str, int]:
        """Ask for the same runs by the same tokens."""
        workload, again = self._ground.workload, dict[str, int]()
        for token, run_id in self._asked.runs.items():
            job_id = workload.jobs[self._asked.kinds[run_id]]
            body = {"job_id": job_id, "idempotency_token": token}
            answer = self._ground.api.ask("POST", "/api/2.2/jobs/run-now", body=body)
            again[token] = answer["run_id"]
        return again

    def _published(self, mine: set[int]) -> dict[str, Counter[int]]:
        """Return the rows of each table that belong to the trial, as a statement sees them."""
        found: dict[str, Counter[int]] = {}
        for name in PUBLISHED:
            text = f"SELECT run_id FROM {self._ground.workload.table(name)}"
            rows = (int(row[0]) for row in self._ground.workload.select(text))
            found[name] = Counter(run_id for run_id in rows if run_id in mine)
        return found

    async def _look_at_temporal(self, runs: Sequence[int]) -> tuple[dict[int, str], list[str]]:
        client = await _connect(self._layout)
        status: dict[int, str] = {}
        for run_id in runs:
            with suppress(RPCError):
                found = await client.get_workflow_handle(workflow_id(run_id, 0)).describe()
                status[run_id] = found.status.name if found.status is not None else "unknown"
        errors: list[str] = []
        for run_id in self._dice.sample(sorted(status), min(_REPLAYED, len(status))):
            history = await client.get_workflow_handle(workflow_id(run_id, 0)).fetch_history()
            replayer = Replayer(
                workflows=WORKFLOWS, workflow_runner=RUNNER, data_converter=pydantic_data_converter
            )
            result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            if result.replay_failure is not None:
                errors.append(f"the history of run {run_id} does not replay: {result}")
        return status, errors

    def _gaps(self, runs: Sequence[int]) -> list[tuple[Any, ...]]:
        return self._rows(_GAPS, runs)

    def _audited(self, runs: Sequence[int]) -> frozenset[int]:
        text = (
            "SELECT object_id FROM audit_log WHERE action = 'run.created' AND object_id = ANY(%s)"
        )
        return frozenset(int(row[0]) for row in self._rows(text, [str(run) for run in runs]))

    def _rows(self, text: str, *given: Any) -> list[tuple[Any, ...]]:
        return _rows(self._layout, text, *given)


def look_for_left(ground: Ground) -> Left:
    """Return what is under way, or was never cleared away, at this moment."""
    layout = ground.stack.layout
    branches, workflows = asyncio.run(_look_for_open(layout))
    outbox = "SELECT outbox_id, kind, tries, last_error FROM outbox"
    statements = "SELECT statement_id FROM statements WHERE state IN ('PENDING', 'RUNNING')"
    return Left(
        processes=list(_processes(layout.attempts_dir)),
        branches=branches,
        locks=[str(row) for row in _rows(layout, _LOCKS)],
        files=list(_drafts(layout.run_dir, layout.secrets_dir)),
        outbox=[str(row) for row in _rows(layout, outbox)],
        statements=[str(row[0]) for row in _rows(layout, statements)],
        workflows=workflows,
    )


def _await_gone(ground: Ground, before: Left) -> Left:
    """Return what is still there when it has had its minute to go away."""
    end = time.monotonic() + _LEFT_WITHIN_S
    while True:
        left = look_for_left(ground).without(before)
        if left.is_empty() or time.monotonic() > end:
            return left
        time.sleep(1)


async def _look_for_open(layout: Layout) -> tuple[list[str], list[str]]:
    """Return the branches beside main, and the workflows of runs that are open."""
    identity = Identity(SecretStr(layout.secret("nessie-key")))
    catalog = Catalog(layout.nessie_url, "lakehouse", identity=identity)
    try:
        answer = await catalog.call("GET", "/api/v2/trees?max-records=500", b"")
    finally:
        await catalog.close()
    names = [each["name"] for each in answer.json()["references"]]
    client = await _connect(layout)
    query = "WorkflowType IN ('JobRun', 'ForEach') AND ExecutionStatus = 'Running'"
    return (
        [name for name in names if name.startswith(("run_", "attempt_"))],
        [each.id async for each in client.list_workflows(query)],
    )


async def _connect(layout: Layout) -> Client:
    namespace = layout.settings.temporal.namespace
    return await connect(layout.temporal_address, namespace, lazy=False)


def _rows(layout: Layout, text: str, *given: Any) -> list[tuple[Any, ...]]:
    url = layout.postgres_url(driver="")
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(text, given)
        return list(cursor.fetchall())


def _is_program(task_key: str) -> bool:
    return task_key not in _SQL_TASKS


def _processes(attempts: Path) -> Iterator[str]:
    """Find processes that an attempt has started, by their mark, and runners, by their words."""
    mark = f"{MARKER}={attempts}"
    for process in psutil.process_iter(["pid"]):
        with suppress(psutil.Error, OSError):
            words = process.cmdline()
            marked = mark in Path(f"/proc/{process.pid}/environ").read_text(errors="replace")
            is_runner = any(str(attempts) in word for word in words)
            if marked or is_runner:
                yield f"{process.pid} {' '.join(words)[:120]}"


def _drafts(*folders: Path) -> Iterator[str]:
    """Find what was begun beside a file and never put in its place."""
    old = time.time() - _OLD_S
    for folder in folders:
        for file in folder.iterdir():
            is_draft = file.suffix.removeprefix(".").isdigit() or file.name.startswith(".")
            with suppress(FileNotFoundError):
                if is_draft and file.name != ".lock" and file.stat().st_mtime < old:
                    yield str(file.relative_to(folder.parent))
