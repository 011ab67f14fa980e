"""Artifacts: MLflow's own paths, signed links, and where Databricks' SDK looks for them.

`/api/2.0/fs/…/WorkspaceInternal/Mlflow/Artifacts/<experiment>/Runs|LoggedModels/<id>/…` is what the
mlflow package asks by the databricks-sdk (`store/artifact/databricks_run_artifact_repo.py`).
"""

import mimetypes
from collections.abc import AsyncIterator
from enum import StrEnum

import httpx2
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from control import errors
from control.http import DepsArg, json_answer
from control.mlflow import links
from control.mlflow.addresses import Place, below, place_of
from control.mlflow.asking import Asking, AskingArg
from control.mlflow.calls import Of
from control.mlflow.credentials import folder_of
from control.mlflow.memory import Tracking
from control.mlflow.rights import require_experiment, require_one
from control.mlflow.routes import MlflowRoute
from control.mlflow.trees import files_in
from control.permissions.levels import Level
from spec.errors import Invalid, NotFound

router = APIRouter(tags=["mlflow"], route_class=MlflowRoute)
_OWN = "/api/2.0/mlflow-artifacts"
_INTERNAL = "/WorkspaceInternal/Mlflow/Artifacts"
_ITEM = _INTERNAL + "/{experiment_id}/{folder}/{item_id}"
_PASSED_ON = ("content-length", "content-range", "last-modified", "etag")


class Folder(StrEnum):
    """What Databricks calls the folders of an experiment."""

    RUNS = "Runs"
    LOGGED_MODELS = "LoggedModels"


_OF = {Folder.RUNS: Of.RUN, Folder.LOGGED_MODELS: Of.LOGGED_MODEL}


@router.get(f"{_OWN}/artifacts", include_in_schema=False)
async def list_mlflow_artifacts(asking: AskingArg, path: str = Query("")) -> Response:
    """List a folder of an experiment."""
    place = await _place(asking, path, Level.CAN_READ)
    return json_answer({"files": await files_in(asking, place)})


@router.get(f"{_OWN}/artifacts/{{path:path}}", include_in_schema=False)
async def download_mlflow_artifact(path: str, request: Request, asking: AskingArg) -> Response:
    """Send an artifact, or a range of it, as the object store gives it."""
    place = await _place(asking, path, Level.CAN_READ)
    return await _download(asking.deps.tracking, asking.workspace_id, place.path, request)


@router.put(f"{_OWN}/artifacts/{{path:path}}", include_in_schema=False)
async def upload_mlflow_artifact(path: str, request: Request, asking: AskingArg) -> Response:
    """Store an artifact as its bytes arrive."""
    place = await _place(asking, path, Level.CAN_EDIT)
    await asking.server.upload(asking.workspace_id, place.path, request.stream())
    return json_answer({})


@router.delete(f"{_OWN}/artifacts/{{path:path}}", include_in_schema=False)
async def delete_mlflow_artifact(path: str, asking: AskingArg) -> Response:
    """Delete an artifact or a folder of them."""
    place = await _place(asking, path, Level.CAN_EDIT)
    if place.path.endswith(f"/{place.experiment_id}") or place.path == place.experiment_id:
        raise Invalid("all artifacts of an experiment cannot be deleted at once; name a run's")
    await asking.server.delete_artifacts(asking.workspace_id, place.path)
    return json_answer({})


@router.api_route(f"{_OWN}/mpu/{{path:path}}", methods=["POST"], include_in_schema=False)
@router.api_route(f"{_OWN}/presigned/{{path:path}}", methods=["GET"], include_in_schema=False)
async def refuse_direct_access(path: str, asking: AskingArg) -> Response:
    """Say that artifacts go through this server, in one piece however large."""
    message = "Artifacts are sent and fetched in one piece, through /api/2.0/mlflow-artifacts."
    return errors.render(501, "NOT_IMPLEMENTED", message)


@router.get(f"{links.PATH}{{path:path}}", include_in_schema=False)
async def download_signed_artifact(
    path: str, request: Request, deps: DepsArg, workspace: int, expires: int, signature: str
) -> Response:
    """Send an artifact to whoever has its link."""
    links.check(deps, workspace, path, "read", expires, signature)
    return await _download(deps.tracking, workspace, path, request)


@router.put(f"{links.PATH}{{path:path}}", include_in_schema=False)
async def upload_signed_artifact(
    path: str, request: Request, deps: DepsArg, workspace: int, expires: int, signature: str
) -> Response:
    """Store an artifact for whoever has its link."""
    links.check(deps, workspace, path, "write", expires, signature)
    await deps.tracking.server.upload(workspace, path, request.stream())
    return json_answer({})


@router.get(f"/api/2.0/fs/files{_ITEM}/{{path:path}}", include_in_schema=False)
async def download_tracked_file(
    experiment_id: str, folder: Folder, item_id: str, path: str, request: Request, asking: AskingArg
) -> Response:
    """Send an artifact of a run or a logged model."""
    place = await _tracked(asking, experiment_id, folder, item_id, path, Level.CAN_READ)
    return await _download(asking.deps.tracking, asking.workspace_id, place.path, request)


@router.put(f"/api/2.0/fs/files{_ITEM}/{{path:path}}", include_in_schema=False)
async def upload_tracked_file(
    experiment_id: str, folder: Folder, item_id: str, path: str, request: Request, asking: AskingArg
) -> Response:
    """Store an artifact of a run or a logged model."""
    place = await _tracked(asking, experiment_id, folder, item_id, path, Level.CAN_EDIT)
    await asking.server.upload(asking.workspace_id, place.path, request.stream())
    return Response(status_code=204)


@router.api_route(
    f"/api/2.0/fs/directories{_ITEM}", methods=["GET", "HEAD"], include_in_schema=False
)
@router.api_route(
    f"/api/2.0/fs/directories{_ITEM}/{{path:path}}",
    methods=["GET", "HEAD"],
    include_in_schema=False,
)
async def list_tracked_files(
    experiment_id: str, folder: Folder, item_id: str, asking: AskingArg, path: str = ""
) -> Response:
    """List a folder of artifacts of a run or a logged model."""
    place = await _tracked(asking, experiment_id, folder, item_id, path, Level.CAN_READ)
    found = await files_in(asking, place)
    if not found:
        raise NotFound("There is no such folder of artifacts.")
    name = "/".join(
        part for part in (_INTERNAL, experiment_id, folder, item_id, path.strip("/")) if part
    )
    contents = [
        {
            "path": f"{name}/{file['path']}",
            "name": file["path"],
            "is_directory": file["is_dir"],
            "file_size": file["file_size"],
        }
        for file in found
    ]
    return json_answer({"contents": contents})


async def _place(asking: Asking, path: str, level: Level) -> Place:
    place = place_of(path, asking.workspace)
    await require_experiment(asking, place.experiment_id, level)
    return place


async def _tracked(
    asking: Asking, experiment_id: str, folder: Folder, item_id: str, path: str, level: Level
) -> Place:
    of = _OF[folder]
    await require_one(asking, of, item_id, level)
    # MLflow's own artifact root ends with this folder; Databricks' leaves it out or not.
    root = await folder_of(asking, of, item_id)
    if root.experiment_id != experiment_id:
        raise NotFound("There is no such artifact.")
    tail = path.strip("/")
    last = root.path.rpartition("/")[2]
    if tail != last and not tail.startswith(f"{last}/"):
        raise NotFound("There is no such artifact.")
    return below(root, tail[len(last) :].strip("/"), asking.workspace)


async def _download(tracking: Tracking, workspace_id: int, path: str, request: Request) -> Response:
    given = await tracking.server.given(workspace_id, path)
    answer = await tracking.server.download(given, request.headers.get("range"))
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_bytes(answer), answer.status_code, headers, media_type=kind)


async def _bytes(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
