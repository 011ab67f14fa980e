"""Answers that show what a run did: the settings it used, and its evidence."""

from typing import Any

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
