"""The API's OpenAPI document: what FastAPI knows of the routes, and what people must be told.

Summaries are the first lines of the routes' docstrings. Examples and the meanings of parameters are
data beside the document, in `spec/openlake-orchestrator/`: one file of examples a tag, each by its
operationId, and one glossary of parameters, since a word means the same everywhere.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from ruamel.yaml import YAML

from control.identity.errors import PREFIX
from spec.api.dbfs import PutFile
from spec.api.jobs import CreateJob, ResetJob
from spec.api.scim import ERROR, ScimError
from spec.api.workspace import ImportFile
from spec.jobs import JobSettings

FOLDER = Path(__file__).parent.parent / "spec" / "openlake-orchestrator"

READ_BY_HAND = (JobSettings, CreateJob, ResetJob, ImportFile, PutFile, ScimError)
"""Bodies that come in more than one form, so that FastAPI does not see their models."""

_YAML: Any = YAML(typ="safe")
_YAML_MEDIA = "application/yaml"
_ERRORS = {
    "4XX": "The request is refused: `error_code` names the reason, `message` explains it.",
    "5XX": "The server has failed (`INTERNAL_ERROR`), or offers no such thing (501).",
}
_ERROR: dict[str, dict[str, Any]] = {
    "ErrorBody": {
        "error_code": "RESOURCE_DOES_NOT_EXIST",
        "message": "Job 5217 does not exist.",
        "details": [],
    },
    "ScimError": {"schemas": [ERROR], "status": "404", "detail": "There is no user 17."},
}
_VERSIONS = "2.2 reads the tasks of jobs and runs in pages of 100; the older ones refuse more."


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an app with the API's routes."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    schemas: dict[str, Any] = document["components"]["schemas"]
    pairs: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (model, "validation") for model in READ_BY_HAND
    ]
    _, extra = models_json_schema(pairs, ref_template="#/components/schemas/{model}")
    for name, schema in extra["$defs"].items():
        schemas.setdefault(name, schema)
    words, shown = parameters(), examples()
    for path, _, operation in operations(document):
        _correct(path, operation)
        _explain(operation, words)
        _show(operation, shown.get(operation["operationId"], {}))
    bearer = {"type": "http", "scheme": "bearer"}
    document["components"]["securitySchemes"] = {"token": bearer}
    document["security"] = [{"token": []}]
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def examples() -> dict[str, dict[str, Any]]:
    """Return operationId → `request`, `response` and bodies of other media types by their names."""
    return {
        operation: shown
        for file in sorted((FOLDER / "examples").glob("*.yaml"))
        for operation, shown in _YAML.load(file).items()
    }


def parameters() -> dict[str, str]:
    """Return a parameter's name, or `operationId.name` → what it means."""
    return _YAML.load(FOLDER / "parameters.yaml")


def _correct(path: str, operation: dict[str, Any]) -> None:
    """Say what FastAPI cannot know: SCIM's errors, and which versions a path takes."""
    error = "ScimError" if path.startswith(PREFIX) else "ErrorBody"
    body = {"schema": {"$ref": f"#/components/schemas/{error}"}, "example": _ERROR[error]}
    for status, meaning in _ERRORS.items():
        # Errors are JSON also where the answer is none.
        answer = {"description": meaning, "content": {"application/json": body}}
        operation["responses"][status] = answer
    if path.startswith("/api/{version}/"):
        version = {"type": "string", "enum": ["2.0", "2.1", "2.2"]}
        others = [each for each in operation.get("parameters", ()) if each["name"] != "version"]
        operation["parameters"] = [
            {"name": "version", "in": "path", "required": True, "schema": version}
            | {"description": _VERSIONS},
            *others,
        ]


def _explain(operation: dict[str, Any], words: dict[str, str]) -> None:
    """Take the summary from the docstring, and the meaning of parameters from the glossary."""
    first, _, rest = operation.pop("description", "").partition("\n")
    operation["summary"] = first.removesuffix(".")
    if rest.strip():
        operation["description"] = rest.strip()
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        meaning = words.get(f"{operation['operationId']}.{name}", words.get(name))
        if meaning and "description" not in parameter:
            parameter["description"] = meaning


def _show(operation: dict[str, Any], shown: dict[str, Any]) -> None:
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        name = _YAML_MEDIA if media == _YAML_MEDIA else "request"
        if name in shown:
            body["example"] = shown[name]
    for status, answer in operation["responses"].items():
        body = answer.get("content", {}).get("application/json")
        if "response" in shown and status.startswith("2") and body is not None:
            body["example"] = shown["response"]
