"""Answers that show what a run did: the settings it used, and its evidence."""

from datetime import datetime
from typing import Any, Literal

from spec.api.lineage import Graph
from spec.api.states import RunState, RunStatus
from spec.api.transactions import TransactionView
from spec.attempts import Frozen


class RunSettings(Frozen):
    """Answer of `/api/openlake/1.0/runs/{run_id}/settings`: what a run was made from."""

    run_id: int
    job_id: int
    execution: int
    """0 is the original; n the n-th repair."""
    job_version: int | None = None
    """Which version of the job the run was made from; none for a submitted run."""
    settings_hash: str
    settings: dict[str, Any]
    """As `jobs/get` shows them, whole; they never change, whatever becomes of the job."""
    files: dict[str, str]
    """Workspace path → SHA-256 of every file that its tasks may read."""


class EvidenceRun(Frozen):
    """The run as a whole, and who or what asked for it."""

    run_id: int
    job_id: int
    job_version: int | None
    """Of the newest execution."""
    run_name: str
    run_type: str
    creator: str
    run_as: str | None
    trigger: str
    triggered_at: datetime | None
    """The instant the trigger stands for."""
    trigger_info: dict[str, Any]
    parent_task_run_id: int | None
    """The run_job task run that asked for it."""
    idempotency_key: str | None
    git_snapshot: dict[str, Any]
    life: str
    result: str | None
    state: RunState
    status: RunStatus
    stop_cause: str | None
    created_at: datetime
    admitted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class EvidenceExecution(Frozen):
    """The original execution of the run, or one of its repairs."""

    execution: int
    repair_id: int | None
    creator: str
    settings_hash: str
    job_version: int | None
    job_parameters: dict[str, Any]
    overrides: dict[str, Any]
    """What run-now or the repair was given beside job parameters."""
    rerun_tasks: tuple[str, ...]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: str | None
    message: str


class EvidenceSettings(Frozen):
    """What executions worked from, told apart by hash."""

    hash: str
    """SHA-256 of the canonical JSON of `[settings, files]`, spelled with ASCII characters only."""
    settings: dict[str, Any]
    files: dict[str, str]
    """Workspace path → SHA-256 of the file's content."""


class EvidenceRead(Frozen):
    """A table as an attempt read it."""

    table: str
    branch: str
    snapshot_id: str | None
    """As text: it exceeds JavaScript's numbers. None for a table without any."""
    at: datetime


class EvidenceCommit(Frozen):
    """A change that an attempt made, or tried to make, to a table."""

    table: str
    branch: str
    operation: str
    snapshot_id: str | None
    parent_snapshot_id: str | None
    state: str
    """`committed`, `refused`, `pending` or `unknown`."""
    summary: dict[str, Any]
    at: datetime


class EvidenceLog(Frozen):
    """Where an attempt's log is."""

    size_bytes: int
    path: str
    """Of the API."""
    object_prefix: str
    """In the object store: what lies below it, in order of names, is the log."""


class EvidenceOutput(Frozen):
    """Where is what an attempt left for people and later tasks."""

    sha256: str
    """Of its canonical JSON."""
    path: str
    error: str | None
    child_run_id: int | None


class EvidenceTaskRun(Frozen):
    """One attempt of a task or of an iteration, or the note that a task was skipped."""

    task_run_id: int
    execution: int
    task_key: str
    for_each_run_id: int | None
    attempt: int
    """0 for the first."""
    host: str | None
    """The worker host that opened it."""
    result: str | None
    state: RunState
    status: RunStatus
    condition: str | None
    scheduled_at: datetime
    opened_at: datetime | None
    started_at: datetime | None
    work_ended_at: datetime | None
    ended_at: datetime | None
    retry_at: datetime | None
    reads: tuple[EvidenceRead, ...]
    commits: tuple[EvidenceCommit, ...]
    log: EvidenceLog | None
    output: EvidenceOutput | None


class EvidenceForEach(Frozen):
    """The inputs of a for-each attempt."""

    task_run_id: int
    task_key: str
    total: int
    inputs_sha256: str
    """Of the canonical JSON of the list of all inputs."""


class EvidenceEvent(Frozen):
    """What the run's workflow recorded; folding the events gives its state."""

    execution: int
    stream: int
    """0 for the run's own workflow; else a part of a for-each."""
    seq: int
    event: dict[str, Any]
    recorded_at: datetime


class EvidenceDeed(Frozen):
    """An entry of the audit log about the run."""

    at: datetime
    actor: str
    action: str
    details: dict[str, Any]


class EvidenceMlflow(Frozen):
    """How the run's models and metrics are found: MLflow itself keeps the link, as tags."""

    tracking_uri: str
    filter: str
    """For MLflow's `search_runs`."""


class Evidence(Frozen):
    """Answer of `/api/openlake/1.0/runs/{run_id}/evidence`: all that a run did, as one document.

    `spec.evidence` says how it is spelled and checked.
    """

    format: Literal["openlake.run.evidence"]
    format_version: Literal[1]
    openlake_version: str
    workspace_id: int
    made_at: datetime
    made_by: str
    final: bool
    """Whether the run had ended; else the document is a picture of the moment."""
    run: EvidenceRun
    executions: tuple[EvidenceExecution, ...]
    settings: tuple[EvidenceSettings, ...]
    task_runs: tuple[EvidenceTaskRun, ...]
    for_each: tuple[EvidenceForEach, ...]
    events: tuple[EvidenceEvent, ...]
    audit: tuple[EvidenceDeed, ...]
    transactions: tuple[TransactionView, ...] = ()
    """The run's catalog branches, what of them was published and what stood in the way."""
    lineage: Graph
    mlflow: EvidenceMlflow
    sha256: str
