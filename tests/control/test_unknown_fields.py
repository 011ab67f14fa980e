"""A field that a request may not have is refused, never dropped."""

from collections.abc import Iterator
from typing import Any

import httpx2

from control.openapi import openapi

DOCUMENT = openapi()
ELSEWHERE = ("/api/v1/lineage", "/scim/")
"""Protocols of others, whose rule is to pass over what one does not know."""


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return every operation that takes JSON, with the schema of it."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content and not any(part in path for part in ELSEWHERE):
                yield method.upper(), path, content["application/json"]["schema"]


def objects(schema: Any, seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every object with named fields that a schema reaches."""
    if isinstance(schema, list):
        for each in schema:
            yield from objects(each, seen)
    if not isinstance(schema, dict):
        return
    if name := schema.get("$ref"):
        if name not in seen:
            seen.add(name)
            short = name.rsplit("/", 1)[1]
            yield from objects({**DOCUMENT["components"]["schemas"][short], "title": short}, seen)
        return
    if "properties" in schema:
        yield str(schema.get("title")), schema
    for each in (*schema.get("properties", {}).values(), *_inside(schema)):
        yield from objects(each, seen)


def _inside(schema: dict[str, Any]) -> Iterator[Any]:
    for key in ("items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties"):
        if key in schema:
            yield schema[key]


def test_every_object_of_every_request_says_what_becomes_of_other_fields() -> None:
    seen: set[str] = set()
    silent = {
        f"{name} in {method} {path}"
        for method, path, schema in bodies()
        for name, found in objects(schema, seen)
        if "additionalProperties" not in found
    }
    assert silent == set()


async def test_every_endpoint_refuses_what_it_does_not_know(api: httpx2.AsyncClient) -> None:
    dropped: list[str] = []
    for method, path, _ in bodies():
        place = path.replace("/api/{version}/", "/api/2.1/")
        for name in ("job_id", "run_id", "version", "backfill_id", "task_run_id"):
            place = place.replace(f"{{{name}}}", "1")
        answer = await api.request(method, place, json={"no_such_field": 1})
        if answer.status_code != 400 or "no_such_field" not in answer.text:
            dropped.append(f"{method} {path}: {answer.status_code} {answer.text[:120]}")
    assert dropped == []
