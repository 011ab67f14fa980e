"""Writes the API's written specification: OpenAPI and the JSON Schemas for editors.

`python -m control.openapi` renews what is committed; a test fails when that is out of date.
"""

import json
from pathlib import Path
from typing import Any

from control import pages
from control.app import create_routes
from control.description import FOLDER
from spec.bundle_schema import bundle_schema
from spec.jobs import JobSettings


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
    return create_routes().openapi()


def _job_schema() -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **JobSettings.model_json_schema(),
        "title": "OpenLake job",
    }


if __name__ == "__main__":
    write()
    pages.write()
