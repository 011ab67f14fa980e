"""Signed addresses of artifacts, as Databricks' clients ask for them."""

from collections.abc import Sequence
from typing import Any, cast

from control.mlflow.addresses import Place, below, path_of, place_of
from control.mlflow.asking import Asking
from control.mlflow.calls import Of, named
from control.mlflow.forwarding import Request
from control.mlflow.links import Operation, link
from control.mlflow.rights import home_of
from control.mlflow.trees import files_in
from spec.errors import Invalid

# A kind that clients send the whole file to in one request (mlflow 3.17,
# `store/artifact/databricks_artifact_repo.py`).
_TYPE = "GCP_SIGNED_URL"
_TRACE_FILE = "traces.json"
_MOST = 2000
"""Addresses of one request; as many as the client asks for at most."""


async def folder_of(asking: Asking, of: Of, name: str) -> Place:
    """Return where the artifacts of a run, a logged model or a trace are."""
    home = await home_of(asking, of, name)
    return place_of(path_of(home.artifacts), asking.workspace)


async def link_files(asking: Asking, request: Request, *, operation: Operation) -> dict[str, Any]:
    """Return signed addresses of files of a run, a logged model or a trace."""
    parts = request.matched.parts
    if "model_id" in parts:
        place = await folder_of(asking, Of.LOGGED_MODEL, parts["model_id"])
        infos = _infos(asking, place, _paths(request, "paths"), operation)
        return {"credentials": [{"credential_info": info} for info in infos]}
    if "request_id" in parts:
        place = await folder_of(asking, Of.TRACE, parts["request_id"])
        paths = named(request.fields, "path") or [_TRACE_FILE]
        return {"credential_info": _infos(asking, place, paths, operation)[0]}
    run_id = request.text("run_id")
    place = await folder_of(asking, Of.RUN, run_id)
    infos = _infos(asking, place, _paths(request, "path"), operation)
    return {"credential_infos": [{"run_id": run_id, **info} for info in infos]}


def _paths(request: Request, field: str) -> list[str]:
    paths = named(request.fields, field)
    if len(paths) > _MOST:
        raise Invalid(f"'{field}' has at most {_MOST:,} paths")
    return paths


def _infos(
    asking: Asking, place: Place, paths: Sequence[str], operation: Operation
) -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "signed_uri": link(asking, _file(asking, place, path), operation),
            "headers": cast(list[Any], []),
            "type": _TYPE,
        }
        for path in paths
    ]


def _file(asking: Asking, place: Place, path: str) -> str:
    return below(place, path, asking.workspace).path


async def list_version_files(asking: Asking, request: Request) -> dict[str, Any]:
    """List a folder of a model version."""
    place = await _version(asking, request)
    path = str(request.fields.get("path") or "").strip("/")
    found = await files_in(asking, below(place, path, asking.workspace))
    prefix = f"{path}/" if path else ""
    return {"files": [{**file, "path": f"{prefix}{file['path']}"} for file in found]}


async def link_version_file(asking: Asking, request: Request) -> dict[str, Any]:
    """Return the signed address of a file of a model version."""
    place = await _version(asking, request)
    path = str(request.fields.get("path") or "")
    if not path:
        raise Invalid("the field 'path' is missing")
    return {"signed_uri": link(asking, _file(asking, place, path), "read"), "headers": []}


async def _version(asking: Asking, request: Request) -> Place:
    query = [("name", request.text("name")), ("version", request.text("version"))]
    told = await asking.server.call(
        asking.workspace_id, "GET", "/api/2.0/mlflow/model-versions/get-download-uri", query=query
    )
    uri = str(told.get("artifact_uri", ""))
    scheme, _, rest = uri.partition(":/")
    if scheme == "models":
        return await folder_of(asking, Of.LOGGED_MODEL, rest.strip("/"))
    if scheme == "runs":
        run_id, _, path = rest.strip("/").partition("/")
        return below(await folder_of(asking, Of.RUN, run_id), path, asking.workspace)
    return place_of(path_of(uri), asking.workspace)
