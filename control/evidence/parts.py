"""Draws the parts of a run's evidence from rows; pure."""

import hashlib
from typing import Any

from control.evidence.store import Attempt
from control.gateway.tables import NO_SNAPSHOT, AttemptCommitRow, AttemptReadRow
from control.jobs.tables import SettingsSnapshot
from control.logs.service import chunk_prefix
from control.runs.tables import Run, RunEvent, RunExecution
from control.runs.views import state_of
from spec.api.evidence import (
    EvidenceCommit,
    EvidenceEvent,
    EvidenceExecution,
    EvidenceLog,
    EvidenceOutput,
    EvidenceRead,
    EvidenceRun,
    EvidenceSettings,
    EvidenceTaskRun,
)
from spec.evidence import canonical
from spec.states import TaskResult, task_view


def of_run(run: Run) -> EvidenceRun:
    """Return the run as a whole."""
    view = state_of(run)
    facts = run.model_dump(include=set(EvidenceRun.model_fields))
    return EvidenceRun.model_validate(facts | {"state": view.state, "status": view.status})


def of_execution(row: RunExecution) -> EvidenceExecution:
    """Return an execution of a run that was repaired."""
    facts = row.model_dump(include=set(EvidenceExecution.model_fields))
    return EvidenceExecution.model_validate(facts | {"repair_id": row.repair_id or None})


def newest(run: Run, row: RunExecution | None) -> EvidenceExecution:
    """Return a run's newest execution: its course is told by the run's own row."""
    return EvidenceExecution(
        execution=run.execution,
        repair_id=row.repair_id if row else None,
        creator=row.creator if row else run.creator,
        settings_hash=run.settings_hash,
        job_version=run.job_version,
        job_parameters=run.job_parameters,
        overrides=run.overrides,
        rerun_tasks=tuple(row.rerun_tasks) if row else (),
        created_at=row.created_at if row else run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        result=run.result,
        message=run.message,
    )


def of_settings(row: SettingsSnapshot) -> EvidenceSettings:
    """Return what executions worked from."""
    return EvidenceSettings(hash=row.hash, settings=row.settings, files=row.files)


def of_attempt(attempt: Attempt) -> EvidenceTaskRun:
    """Return one attempt with its tables and where its log and output are."""
    row, opened = attempt.row, attempt.opened
    result = None if row.result is None else TaskResult(row.result)
    view = task_view(result, opened is not None, row.message, row.code)
    facts: dict[str, Any] = row.model_dump(include=set(EvidenceTaskRun.model_fields))
    return EvidenceTaskRun.model_validate(
        facts
        | {
            "state": view.state,
            "status": view.status,
            "host": opened.host if opened else None,
            "opened_at": opened.opened_at if opened else None,
            "reads": tuple(_read(each) for each in attempt.reads),
            "commits": tuple(_commit(each) for each in attempt.commits),
            "log": _log(attempt),
            "output": _output(attempt),
        }
    )


def _read(row: AttemptReadRow) -> EvidenceRead:
    return EvidenceRead(
        table=row.table_name,
        branch=row.branch,
        snapshot_id=spell_snapshot(row.snapshot_id),
        at=row.at,
    )


def _commit(row: AttemptCommitRow) -> EvidenceCommit:
    return EvidenceCommit(
        table=row.table_name,
        branch=row.branch,
        operation=row.operation,
        snapshot_id=spell_snapshot(row.snapshot_id),
        parent_snapshot_id=spell_snapshot(row.parent_snapshot_id),
        state=row.state,
        summary=row.summary,
        at=row.at,
    )


def spell_snapshot(snapshot_id: int | None) -> str | None:
    """Return a snapshot's id as text; None for none."""
    return None if snapshot_id in (None, NO_SNAPSHOT) else str(snapshot_id)


def _path(attempt: Attempt, what: str) -> str:
    return f"/api/openlake/1.0/task-runs/{attempt.row.task_run_id}/{what}"


def _log(attempt: Attempt) -> EvidenceLog | None:
    if attempt.log is None:
        return None
    return EvidenceLog(
        size_bytes=attempt.log.size,
        path=_path(attempt, "logs"),
        object_prefix=chunk_prefix(attempt.row.task_run_id),
    )


def _output(attempt: Attempt) -> EvidenceOutput | None:
    if attempt.output is None:
        return None
    left = attempt.output.output
    return EvidenceOutput(
        sha256=hashlib.sha256(canonical(left).encode()).hexdigest(),
        path=_path(attempt, "output"),
        error=left.get("error"),
        child_run_id=left.get("child_run_id"),
    )


def of_event(row: RunEvent) -> EvidenceEvent:
    """Return one event."""
    return EvidenceEvent.model_validate(row.model_dump(include=set(EvidenceEvent.model_fields)))
