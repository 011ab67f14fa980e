"""The JSON Schema of `databricks.yml`, by which editors complete and check it."""

from typing import Any

from pydantic.json_schema import models_json_schema

from spec.bundle_form import BundleForm
from spec.bundle_presets import Presets
from spec.bundle_resources import KINDS, Grant, Lifecycle
from spec.jobs import JobSettings

_TEMPLATE = "#/$defs/{model}"


def bundle_schema() -> dict[str, Any]:
    """Return the schema; in a file `${…}` may stand wherever text may."""
    models = [kind.model or JobSettings for kind in KINDS.values()]
    wanted = [(model, "validation") for model in (*models, BundleForm, Grant, Lifecycle, Presets)]
    _, whole = models_json_schema(wanted, ref_template=_TEMPLATE)  # pyright: ignore[reportArgumentType]
    definitions: dict[str, Any] = whole["$defs"]
    for kind, model in zip(KINDS.values(), models, strict=True):
        _add_around(definitions[model.__name__], takes_permissions=bool(kind.levels))
    resources = definitions["Resources"]["properties"]
    for name, model in zip(KINDS, models, strict=True):
        resources[name] = {"type": "object", "additionalProperties": _ref(model.__name__)}
    for owner in ("BundleForm", "Target"):
        definitions[owner]["properties"]["presets"] = _ref("Presets")
        definitions[owner]["properties"]["permissions"] = {"type": "array", "items": _ref("Grant")}
    form = definitions.pop("BundleForm")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **form,
        "title": "OpenLake bundle",
        "$defs": definitions,
    }


def _add_around(schema: dict[str, Any], *, takes_permissions: bool) -> None:
    properties = schema["properties"]
    properties["lifecycle"] = _ref("Lifecycle")
    if takes_permissions:
        properties["permissions"] = {"type": "array", "items": _ref("Grant")}
    if "name" in schema.get("required", []):
        # A resource without a name is called by its key.
        schema["required"] = [each for each in schema["required"] if each != "name"]


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(model=name)}
