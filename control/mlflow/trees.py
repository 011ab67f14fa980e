"""Folders of artifacts."""

from typing import Any, cast

from control.mlflow.addresses import Place
from control.mlflow.asking import Asking


async def files_in(asking: Asking, place: Place) -> list[dict[str, Any]]:
    """Return what lies in a folder of artifacts; nothing if there is no such folder.

    Returns:
        Rows of `path` (the name alone), `is_dir` and, of a file, `file_size` in bytes.
    """
    told = await asking.server.call(
        asking.workspace_id,
        "GET",
        "/api/2.0/mlflow-artifacts/artifacts",
        query=[("path", place.path)],
    )
    files = cast(list[dict[str, Any]], told.get("files", []))
    return [
        {
            "path": str(file["path"]),
            "is_dir": bool(file.get("is_dir", False)),
            "file_size": int(file.get("file_size") or 0),
        }
        for file in files
    ]
