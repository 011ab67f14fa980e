"""The OpenLineage events of an attempt itself, which the driver ships for every engine."""

from datetime import datetime
from typing import Any

from activities.events import event, facet
from spec.attempts import AttemptOutcome, AttemptResult, LineageParent

_END_TYPES = {
    AttemptResult.SUCCESS: "COMPLETE",
    AttemptResult.FAILED: "FAIL",
    AttemptResult.TIMEDOUT: "FAIL",
    AttemptResult.CANCELED: "ABORT",
    AttemptResult.LOST: "ABORT",
}


def attempt_started(parent: LineageParent, engine: str, at: datetime) -> dict[str, Any]:
    """Return the START event of the attempt itself, a child of its job's run."""
    return event("START", at, _job(parent, engine), _run(parent, {}))


def attempt_ended(
    parent: LineageParent, engine: str, outcome: AttemptOutcome, at: datetime
) -> dict[str, Any]:
    """Return the event of the attempt's end; `at` stands in for an end without an instant."""
    facets: dict[str, Any] = {}
    if outcome.message and outcome.result is not AttemptResult.SUCCESS:
        facets["errorMessage"] = facet(
            "ErrorMessageRunFacet",
            "1-0-1",
            message=outcome.message,
            programmingLanguage="SQL" if engine in ("duckdb", "trino") else "PYTHON",
        )
    kind = _END_TYPES[outcome.result]
    return event(kind, outcome.ended_at or at, _job(parent, engine), _run(parent, facets))


def _job(parent: LineageParent, engine: str) -> dict[str, Any]:
    kind = facet(
        "JobTypeJobFacet",
        "2-0-4",
        processingType="BATCH",
        integration=engine.upper(),
        jobType="TASK",
    )
    return {
        "namespace": parent.namespace,
        "name": parent.job_name,
        "facets": {"jobType": kind},
    }


def _run(parent: LineageParent, facets: dict[str, Any]) -> dict[str, Any]:
    above = facet(
        "ParentRunFacet",
        "1-2-0",
        run={"runId": parent.parent_run_id},
        job={"namespace": parent.namespace, "name": parent.parent_job_name},
    )
    return {"runId": parent.run_id, "facets": {"parent": above, **facets}}
