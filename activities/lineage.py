"""OpenLineage events, as the JSON that travels (spec 2-0-2); pure, and quick to import."""

from datetime import datetime
from typing import Any

from spec.attempts import AttemptOutcome, AttemptResult, LineageParent

PRODUCER = "https://github.com/openlake/openlake"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"

_END_TYPES = {
    AttemptResult.SUCCESS: "COMPLETE",
    AttemptResult.FAILED: "FAIL",
    AttemptResult.TIMEDOUT: "FAIL",
    AttemptResult.CANCELED: "ABORT",
    AttemptResult.LOST: "ABORT",
}


def facet(name: str, version: str, **content: Any) -> dict[str, Any]:
    """Return a facet of the standard, e.g. `facet("SchemaDatasetFacet", "1-1-1", fields=…)`."""
    url = f"{_FACETS}/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}


def event(
    kind: str,
    at: datetime,
    job: dict[str, Any],
    run: dict[str, Any],
    inputs: list[dict[str, Any]] | None = None,
    outputs: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a run event; `kind` is START, RUNNING, COMPLETE, FAIL, ABORT or OTHER."""
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": _SCHEMA,
        "job": job,
        "run": run,
        "inputs": inputs or [],
        "outputs": outputs or [],
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


def parent_facet(parent: LineageParent) -> dict[str, Any]:
    """Return the facet that says: this ran inside the attempt, which ran inside the job's run."""
    root = {
        "run": {"runId": parent.parent_run_id},
        "job": {"namespace": parent.namespace, "name": parent.parent_job_name},
    }
    return facet(
        "ParentRunFacet",
        "1-1-0",
        run={"runId": parent.run_id},
        job={"namespace": parent.namespace, "name": parent.job_name},
        root=root,
    )


def _job(parent: LineageParent, engine: str) -> dict[str, Any]:
    kind = facet(
        "JobTypeJobFacet",
        "2-0-3",
        processingType="BATCH",
        integration="OPENLAKE",
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
        "1-1-0",
        run={"runId": parent.parent_run_id},
        job={"namespace": parent.namespace, "name": parent.parent_job_name},
    )
    return {"runId": parent.run_id, "facets": {"parent": above, **facets}}
