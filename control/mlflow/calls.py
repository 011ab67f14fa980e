"""The calls of MLflow's REST API that the proxy passes on, and what each needs; pure.

Names are MLflow's (`mlflow/protos/service.proto`, `model_registry.proto`) and Databricks'. What is
not in the table is not served: gateway, webhooks, scorers, review queues, prompts, issues.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from control.permissions.levels import Level
from spec.errors import Invalid

_READ, _EDIT, _MANAGE = Level.CAN_READ, Level.CAN_EDIT, Level.CAN_MANAGE


class Of(StrEnum):
    """What a call's fields name."""

    EXPERIMENT = "experiment"
    RUN = "run"
    LOGGED_MODEL = "logged model"
    TRACE = "trace"
    MODEL = "registered model"


class Deed(StrEnum):
    """Calls that need more than a check before they are passed on."""

    FORWARD = "forward"
    CREATE_EXPERIMENT = "create experiment"
    DELETE_EXPERIMENT = "delete experiment"
    GET_BY_NAME = "get by name"
    SEARCH_EXPERIMENTS = "search experiments"
    CREATE_MODEL = "create model"
    GET_MODEL = "get model"
    RENAME_MODEL = "rename model"
    DELETE_MODEL = "delete model"
    SEARCH_MODELS = "search models"
    CREATE_VERSION = "create version"
    SEARCH_VERSIONS = "search versions"
    TRANSITION = "transition stage"
    LIST_VERSION_FILES = "list a version's files"
    LINK_VERSION_FILE = "link a version's file"
    LINK_READ = "link for reading"
    LINK_WRITE = "link for writing"
    DELETE_RUNS = "delete runs"
    START_TRACE = "start trace"
    SERVER_INFO = "server info"


@dataclass(frozen=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    """Behind `/api/2.0/mlflow/`, or behind `/api/` where it begins with a version."""
    level: Level = _READ
    of: Mapping[Of, Sequence[str]] | None = None
    """Fields that name what the level is needed on, dotted where nested; at least one is given.
    None where no object is named."""
    deed: Deed = Deed.FORWARD
    also: Mapping[Of, Sequence[str]] | None = None
    """Fields that may name what must be readable besides."""
    upstream: str | None = None
    """MLflow's own path behind `/api/`, where it differs."""


_EXPERIMENT = {Of.EXPERIMENT: ("experiment_id",)}
_EXPERIMENTS = {Of.EXPERIMENT: ("experiment_ids",)}
_RUN = {Of.RUN: ("run_id", "run_uuid")}
_LOGGED = {Of.LOGGED_MODEL: ("model_id",)}
_MODEL = {Of.MODEL: ("name",)}
_TRACE = {Of.TRACE: ("trace_id", "request_id")}
_TRACES = {Of.TRACE: ("trace_ids",)}
_NEW_TRACE = {Of.EXPERIMENT: ("trace.trace_info.trace_location.mlflow_experiment.experiment_id",)}
_LOCATIONS = {Of.EXPERIMENT: ("locations.mlflow_experiment.experiment_id", "experiment_ids")}

CALLS = (
    Call("POST", "experiments/create", deed=Deed.CREATE_EXPERIMENT),
    Call("GET", "experiments/get", _READ, _EXPERIMENT),
    Call("GET", "experiments/get-by-name", deed=Deed.GET_BY_NAME),
    Call("POST", "experiments/update", _EDIT, _EXPERIMENT),
    Call("POST", "experiments/set-experiment-tag", _EDIT, _EXPERIMENT),
    Call("POST", "experiments/delete-experiment-tag", _EDIT, _EXPERIMENT),
    Call("POST", "experiments/delete", _MANAGE, _EXPERIMENT, Deed.DELETE_EXPERIMENT),
    Call("POST", "experiments/restore", _MANAGE, _EXPERIMENT),
    Call("POST", "experiments/search", deed=Deed.SEARCH_EXPERIMENTS),
    Call("GET", "experiments/search", deed=Deed.SEARCH_EXPERIMENTS),
    Call(
        "GET",
        "experiments/list",
        deed=Deed.SEARCH_EXPERIMENTS,
        upstream="2.0/mlflow/experiments/search",
    ),
    Call("POST", "runs/create", _EDIT, _EXPERIMENT),
    Call("GET", "runs/get", _READ, _RUN),
    Call("POST", "runs/search", _READ, _EXPERIMENTS),
    *(
        Call("POST", f"runs/{verb}", _EDIT, _RUN)
        for verb in (
            *("update", "delete", "restore", "log-parameter", "set-tag", "delete-tag"),
            "log-model",
        )
    ),
    Call("POST", "runs/log-metric", _EDIT, _RUN, also=_LOGGED),
    Call("POST", "runs/log-batch", _EDIT, _RUN, also={Of.LOGGED_MODEL: ("metrics.model_id",)}),
    Call("POST", "runs/log-inputs", _EDIT, _RUN, also={Of.LOGGED_MODEL: ("models.model_id",)}),
    Call("POST", "runs/outputs", _EDIT, _RUN, also={Of.LOGGED_MODEL: ("models.model_id",)}),
    Call("POST", "databricks/runs/delete-runs", _EDIT, _EXPERIMENT, Deed.DELETE_RUNS),
    Call("GET", "metrics/get-history", _READ, _RUN),
    Call("GET", "metrics/get-history-bulk-interval", _READ, {Of.RUN: ("run_ids",)}),
    Call("GET", "artifacts/list", _READ, _RUN),
    Call("POST", "artifacts/credentials-for-read", _READ, _RUN, Deed.LINK_READ),
    Call("POST", "artifacts/credentials-for-write", _EDIT, _RUN, Deed.LINK_WRITE),
    # Models that runs log.
    Call("POST", "logged-models", _EDIT, _EXPERIMENT, also={Of.RUN: ("source_run_id",)}),
    Call("POST", "logged-models/search", _READ, _EXPERIMENTS),
    Call("GET", "logged-models/{model_id}", _READ, _LOGGED),
    Call("PATCH", "logged-models/{model_id}", _EDIT, _LOGGED),
    Call("DELETE", "logged-models/{model_id}", _EDIT, _LOGGED),
    Call("PATCH", "logged-models/{model_id}/tags", _EDIT, _LOGGED),
    Call("DELETE", "logged-models/{model_id}/tags/{tag_key}", _EDIT, _LOGGED),
    Call("POST", "logged-models/{model_id}/params", _EDIT, _LOGGED),
    Call("GET", "logged-models/{model_id}/artifacts/directories", _READ, _LOGGED),
    Call(
        "POST",
        "logged-models/{model_id}/artifacts/credentials-for-download",
        _READ,
        _LOGGED,
        Deed.LINK_READ,
    ),
    Call(
        "POST",
        "logged-models/{model_id}/artifacts/credentials-for-upload",
        _EDIT,
        _LOGGED,
        Deed.LINK_WRITE,
    ),
    # The model registry.
    Call("POST", "registered-models/create", deed=Deed.CREATE_MODEL),
    Call("GET", "registered-models/get", _READ, _MODEL),
    Call(
        "GET",
        "databricks/registered-models/get",
        _READ,
        _MODEL,
        Deed.GET_MODEL,
        upstream="2.0/mlflow/registered-models/get",
    ),
    Call("PATCH", "registered-models/update", _EDIT, _MODEL),
    Call("POST", "registered-models/rename", _MANAGE, _MODEL, Deed.RENAME_MODEL),
    Call("DELETE", "registered-models/delete", _MANAGE, _MODEL, Deed.DELETE_MODEL),
    Call("GET", "registered-models/search", deed=Deed.SEARCH_MODELS),
    Call(
        "GET",
        "registered-models/list",
        deed=Deed.SEARCH_MODELS,
        upstream="2.0/mlflow/registered-models/search",
    ),
    Call("GET", "registered-models/get-latest-versions", _READ, _MODEL),
    Call("POST", "registered-models/get-latest-versions", _READ, _MODEL),
    Call("POST", "registered-models/set-tag", _EDIT, _MODEL),
    Call("DELETE", "registered-models/delete-tag", _EDIT, _MODEL),
    Call("POST", "registered-models/alias", _EDIT, _MODEL),
    Call("DELETE", "registered-models/alias", _EDIT, _MODEL),
    Call("GET", "registered-models/alias", _READ, _MODEL),
    Call("POST", "model-versions/create", _EDIT, _MODEL, Deed.CREATE_VERSION),
    Call("GET", "model-versions/get", _READ, _MODEL),
    Call("PATCH", "model-versions/update", _EDIT, _MODEL),
    Call("DELETE", "model-versions/delete", _MANAGE, _MODEL),
    Call("POST", "model-versions/transition-stage", _EDIT, _MODEL),
    Call(
        "POST",
        "databricks/model-versions/transition-stage",
        _EDIT,
        _MODEL,
        Deed.TRANSITION,
        upstream="2.0/mlflow/model-versions/transition-stage",
    ),
    Call("GET", "model-versions/get-download-uri", _READ, _MODEL),
    Call("GET", "model-versions/search", deed=Deed.SEARCH_VERSIONS),
    Call("POST", "model-versions/set-tag", _EDIT, _MODEL),
    Call("DELETE", "model-versions/delete-tag", _EDIT, _MODEL),
    Call("GET", "model-versions/list-artifacts", _READ, _MODEL, Deed.LIST_VERSION_FILES),
    Call("GET", "model-versions/get-signed-download-uri", _READ, _MODEL, Deed.LINK_VERSION_FILE),
    # Traces.
    Call("POST", "3.0/mlflow/traces", _EDIT, _NEW_TRACE, Deed.START_TRACE),
    Call("POST", "3.0/mlflow/traces/search", _READ, _LOCATIONS),
    Call("POST", "3.0/mlflow/traces/delete-traces", _EDIT, _EXPERIMENT),
    Call("GET", "3.0/mlflow/traces/get", _READ, _TRACE),
    Call("GET", "3.0/mlflow/traces/batchGet", _READ, _TRACES),
    Call("POST", "3.0/mlflow/traces/batchGetInfos", _READ, _TRACES),
    Call("GET", "3.0/mlflow/traces/{trace_id}", _READ, _TRACE),
    Call("PATCH", "3.0/mlflow/traces/{trace_id}/tags", _EDIT, _TRACE),
    Call("DELETE", "3.0/mlflow/traces/{trace_id}/tags", _EDIT, _TRACE),
    Call("POST", "3.0/mlflow/traces/{trace_id}/assessments", _EDIT, _TRACE),
    Call("GET", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", _READ, _TRACE),
    Call("PATCH", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", _EDIT, _TRACE),
    Call("DELETE", "3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}", _EDIT, _TRACE),
    Call("POST", "traces/link-to-run", _EDIT, {**_RUN, **_TRACES}),
    Call("POST", "traces/delete-traces", _EDIT, _EXPERIMENT),
    Call("PATCH", "traces/{request_id}/tags", _EDIT, _TRACE),
    Call("DELETE", "traces/{request_id}/tags", _EDIT, _TRACE),
    Call("GET", "traces/{request_id}/credentials-for-data-download", _READ, _TRACE, Deed.LINK_READ),
    Call("GET", "traces/{request_id}/credentials-for-data-upload", _EDIT, _TRACE, Deed.LINK_WRITE),
    Call("GET", "3.0/mlflow/server-info", deed=Deed.SERVER_INFO),
)


@dataclass(frozen=True)
class Matched:
    """A call and what its path holds."""

    call: Call
    parts: Mapping[str, str]


def match(method: str, path: str) -> Matched | None:
    """Find a call.

    Args:
        method: HTTP method.
        path: Decoded, behind `/api/`, e.g. `2.0/mlflow/runs/get`.
    """
    segments = path.split("/")
    for call in CALLS:
        if call.method == method and (parts := _parts(full_path(call), segments)) is not None:
            return Matched(call, parts)
    return None


def full_path(call: Call) -> str:
    """Return a call's path behind `/api/`."""
    return call.path if call.path[0].isdigit() else f"2.0/mlflow/{call.path}"


def _parts(template: str, segments: Sequence[str]) -> dict[str, str] | None:
    names = template.split("/")
    if len(names) != len(segments):
        return None
    parts: dict[str, str] = {}
    for name, segment in zip(names, segments, strict=True):
        if name.startswith("{") and segment:
            parts[name.strip("{}")] = segment
        elif name != segment:
            return None
    return parts


def named(fields: Mapping[str, Any], place: str) -> list[str]:
    """Return every value at a dotted place; lists on the way are gone through.

    Raises:
        Invalid: a field is spelled in MLflow's other way, which it would read and we would not; or
            it is no id.
    """
    found: list[Any] = [fields]
    for name in place.split("."):
        found = [each for value in found for each in _step(value, name)]
    ids: list[str] = []
    for value in found:
        for each in cast(list[Any], value) if isinstance(value, list) else [value]:
            if isinstance(each, bool) or not isinstance(each, str | int):
                raise Invalid(f"'{place}' must be text")
            if each != "":
                ids.append(str(each))
    return ids


def _step(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return [each for one in cast(list[Any], value) for each in _step(one, name)]
    if not isinstance(value, dict):
        raise Invalid(f"what holds '{name}' must be an object")
    fields = cast(dict[str, Any], value)
    head, *tail = name.split("_")
    camel = head + "".join(word.capitalize() for word in tail)
    if camel != name and camel in fields:
        raise Invalid(f"spell the field '{camel}' as '{name}'")
    given = fields.get(name)
    return [] if given is None else [given]
