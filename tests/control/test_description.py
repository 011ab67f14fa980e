"""The OpenAPI document tells what every operation does, with examples that are true to it."""

from collections.abc import Iterator
from typing import Any

import jsonschema
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from control import description
from control.app import ROUTERS, create_routes

APP = create_routes()
DOCUMENT = APP.openapi()
OPERATIONS = {each["operationId"]: each for _, _, each in description.operations(DOCUMENT)}
NOTHING = "#/components/schemas/Empty"
EVENT = "collect_event"
"""Its body is OpenLineage's, which says itself what is in it."""


def routes() -> dict[str, APIRoute]:
    """Return operationId → its route."""
    found = (route for router in ROUTERS for route in router.routes)
    return {route.name: route for route in found if isinstance(route, APIRoute)}


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield operation, media type and body of every request that has one."""
    for name, operation in OPERATIONS.items():
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            yield name, media, body


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield operation and JSON answer of every operation that answers with something."""
    for name, operation in OPERATIONS.items():
        for status, answer in operation["responses"].items():
            body = answer.get("content", {}).get("application/json")
            schema = (body or {}).get("schema", {})
            told = schema and schema.get("$ref") != NOTHING and schema.get("format") != "binary"
            if status.startswith("2") and told:
                yield name, body


def model_of(name: str, body: dict[str, Any]) -> TypeAdapter[Any]:
    """Return what an operation reads its body with."""
    by_hand = {model.__name__: model for model in description.READ_BY_HAND}
    field = routes()[name].body_field
    if field is None:
        return TypeAdapter(by_hand[body["schema"]["$ref"].rpartition("/")[2]])
    model: Any = field.field_info.annotation
    return TypeAdapter(model)


def mistake(body: dict[str, Any]) -> str | None:
    """Say what is wrong with a body's example by its schema."""
    if "example" not in body:
        return "has no example: add one to spec/openlake-orchestrator/examples"
    whole = {"components": DOCUMENT["components"], **body["schema"]}
    errors = jsonschema.Draft202012Validator(whole).iter_errors(body["example"])
    return "; ".join(f"{error.json_path}: {error.message}" for error in errors) or None


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    wrong: list[str] = []
    for name, operation in OPERATIONS.items():
        summary = operation["summary"]
        if summary.lower() == name.replace("_", " ") or len(summary) > 100 or "\n" in summary:
            wrong.append(f"{name}: its summary is '{summary}'")
        if len(operation.get("tags", [])) != 1:
            wrong.append(f"{name}: has no tag of its own")
        error = operation["responses"].get("4XX", {}).get("content", {}).get("application/json", {})
        if not error.get("schema", {}).get("$ref", "").endswith(("/ErrorBody", "/ScimError")):
            wrong.append(f"{name}: does not say how it refuses")
    assert wrong == []


def test_every_parameter_is_explained_once() -> None:
    words = description.parameters()
    named: set[str] = set()
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            named |= {parameter["name"], f"{name}.{parameter['name']}"}
            assert parameter.get("description"), (
                f"{name}: explain {parameter['name']} in spec/openlake-orchestrator/parameters.yaml"
            )
    assert words.keys() - named == set(), "no operation has these parameters"


def test_examples_are_of_operations_there_are() -> None:
    assert description.examples().keys() - OPERATIONS.keys() == set()


def test_every_body_has_an_example_that_fits_its_schema() -> None:
    found = {f"{name} ({media})": mistake(body) for name, media, body in bodies()}
    found |= {f"{name} answers": mistake(body) for name, body in answers()}
    assert {name: text for name, text in found.items() if text} == {}


def test_every_example_of_a_request_is_accepted() -> None:
    wrong: dict[str, str] = {}
    for name, media, body in bodies():
        if name == EVENT or body["schema"].get("format") == "binary":
            continue
        try:
            model_of(name, body).validate_python(body["example"])
        except ValidationError as error:
            wrong[f"{name} ({media})"] = str(error)
    assert wrong == {}


def test_the_api_serves_the_document_that_is_committed() -> None:
    assert APP.openapi() is DOCUMENT
    assert DOCUMENT["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
