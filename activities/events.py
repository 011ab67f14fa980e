"""Builds OpenLineage events, as the JSON that travels (spec 2-0-2); pure, and quick to import."""

from datetime import datetime
from typing import Any

PRODUCER = "https://github.com/openlake/openlake"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"


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
