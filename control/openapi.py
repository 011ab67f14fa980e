"""Writes the API's written specification: OpenAPI and the JSON Schemas for editors.

`python -m control.openapi` renews what is committed; a test fails when that is out of date.
"""

import json
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from control import pages
from control.app import create_routes
from control.identity.errors import PREFIX
from spec.api.dbfs import PutFile
from spec.api.jobs import CreateJob, ResetJob
from spec.api.scim import ScimError
from spec.api.workspace import ImportFile
from spec.bundle_schema import bundle_schema
from spec.jobs import JobSettings

FOLDER = Path(__file__).parent.parent / "spec" / "openlake-orchestrator"

_READ_BY_HAND = (JobSettings, CreateJob, ResetJob, ImportFile, PutFile, ScimError)
"""Bodies that come in more than one form, so that FastAPI does not see their models."""


def documents() -> dict[str, str]:
    """Return file name → content of everything that is generated."""
    return {
        "openapi.json": _text(openapi()),
        "job.schema.json": _text(_job_schema()),
        "bundle.schema.json": _text(bundle_schema()),
    }


def write(folder: Path = FOLDER) -> None:
    """Write every document into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (folder / name).write_text(content)


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def openapi() -> dict[str, Any]:
    """Return the OpenAPI document of the whole API."""
    app: FastAPI = create_routes()
    document = app.openapi()
    schemas: dict[str, Any] = document["components"]["schemas"]
    pairs: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (model, "validation") for model in _READ_BY_HAND
    ]
    _, extra = models_json_schema(pairs, ref_template="#/components/schemas/{model}")
    for name, schema in extra["$defs"].items():
        schemas.setdefault(name, schema)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _correct(path, operation)
    bearer = {"type": "http", "scheme": "bearer"}
    document["components"]["securitySchemes"] = {"token": bearer}
    document["security"] = [{"token": []}]
    return document


def _correct(path: str, operation: dict[str, Any]) -> None:
    """Say what FastAPI cannot know: SCIM's errors, and which versions a path takes."""
    if path.startswith(PREFIX):
        error = {"schema": {"$ref": "#/components/schemas/ScimError"}}
        for status in ("4XX", "5XX"):
            operation["responses"][status]["content"] = {"application/json": error}
    for parameter in operation.get("parameters", ()):
        if path.startswith("/api/{version}/") and parameter["name"] == "version":
            parameter["schema"] = {"type": "string", "enum": ["2.0", "2.1", "2.2"]}


def _job_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **JobSettings.model_json_schema(),
        "title": "OpenLake job",
    }


if __name__ == "__main__":
    write()
    pages.write()
