"""Addresses of artifacts, as MLflow keeps them and as Databricks' clients know them; pure.

MLflow keeps `mlflow-artifacts:/workspaces/<workspace>/<experiment>/…`. A client whose tracking URI
is `databricks` takes only `dbfs:/databricks/mlflow-tracking/…` (mlflow 3.17,
`store/artifact/dbfs_artifact_repo.py`), so answers to such clients are rewritten, and what they
send is rewritten back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from spec.errors import Invalid, NotFound

SCHEME = "mlflow-artifacts:/"
_DBFS = "dbfs:/databricks/mlflow-tracking/"
_FIELDS = ("artifact_uri", "artifact_location", "source", "storage_location")
_LOCATION_TAG = "mlflow.artifactLocation"
"""Of a trace (mlflow 3.17, `tracing/constant.py` and `entities/trace_info.py`)."""
_KINDS = {"models": "logged_models/", "traces": ""}
"""MLflow's folder in an experiment → Databricks'."""
_KEPT = re.compile(
    r"mlflow-artifacts:/+(?:workspaces/[^/]+/)?(?P<experiment>\d+)(?:/(?P<rest>.*))?"
)


@dataclass(frozen=True)
class Place:
    """Where artifacts are: a path of MLflow's artifact store."""

    experiment_id: str
    path: str
    """From the store's root on, without a slash in front."""


def place_of(path: str, workspace: str) -> Place:
    """Read a path of the artifact store.

    Args:
        path: Decoded, as a client or MLflow spells it.
        workspace: MLflow's name of the caller's workspace.

    Raises:
        Invalid: it leads elsewhere, or to no experiment.
        NotFound: it belongs to another workspace.
    """
    parts = path.strip("/").split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\x00" in part for part in parts):
        raise Invalid("an artifact's path has no empty parts, no '..' and no backslashes")
    if parts[0] == "workspaces":
        if len(parts) < 2 or parts[1] != workspace:
            raise NotFound("There is no such artifact.")
        rest = parts[2:]
    else:
        rest = parts
        if workspace != "default":
            parts = ["workspaces", workspace, *parts]
    if not rest or not rest[0].isdecimal():
        raise Invalid("an artifact's path begins with the id of its experiment")
    return Place(rest[0], "/".join(parts))


def path_of(uri: str) -> str:
    """Return the path in the artifact store that MLflow keeps as an address.

    Raises:
        Invalid: the artifacts are somewhere else.
    """
    if not uri.startswith(SCHEME):
        raise Invalid(f"the artifacts at '{uri[:200]}' are not kept by this server")
    return uri.removeprefix(SCHEME).strip("/")


def to_databricks(uri: str) -> str:
    """Return an address as a client with tracking URI `databricks` takes it."""
    found = _KEPT.fullmatch(uri)
    if found is None:
        return uri
    experiment, rest = found["experiment"], found["rest"] or ""
    folder, _, below = rest.partition("/")
    if folder in _KINDS:
        rest = _KINDS[folder] + below
    return f"{_DBFS}{experiment}" + (f"/{rest}" if rest else "")


def from_databricks(uri: str, workspace: str) -> str:
    """Return an address as MLflow keeps it; what is none of Databricks' stays as it is."""
    if not uri.startswith(_DBFS):
        return uri
    experiment, _, rest = uri.removeprefix(_DBFS).partition("/")
    folder, _, below = rest.partition("/")
    if folder == "logged_models":
        rest = f"models/{below}"
    elif folder.startswith("tr-"):
        rest = f"traces/{rest}"
    return f"{SCHEME}workspaces/{workspace}/{experiment}" + (f"/{rest}" if rest else "")


def answer_to_databricks(value: Any) -> Any:
    """Return an answer with every address as a client with tracking URI `databricks` takes it."""
    if isinstance(value, list):
        return [answer_to_databricks(each) for each in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    fields = cast(dict[str, Any], value)
    if fields.get("key") == _LOCATION_TAG and isinstance(fields.get("value"), str):
        return {**fields, "value": to_databricks(fields["value"])}
    return {key: _field(key, each) for key, each in fields.items()}


def _field(key: str, value: Any) -> Any:
    if isinstance(value, str):
        named = key in _FIELDS or key == _LOCATION_TAG
        return to_databricks(value) if named else value
    return answer_to_databricks(value)


def below(place: Place, tail: str, workspace: str) -> Place:
    """Return what lies below a folder of artifacts.

    Raises:
        Invalid: the tail leads out of it.
    """
    return place if not tail else place_of(f"{place.path}/{tail}", workspace)


def is_databricks(headers: Mapping[str, str]) -> bool:
    """Tell a client with tracking URI `databricks`, or the SDK, from MLflow's own REST client.

    The mlflow package makes such calls by the databricks-sdk, or with a header that names the
    workspace (mlflow 3.17, `utils/rest_utils.py`).
    """
    agent = headers.get("user-agent", "")
    return "databricks-sdk" in agent or any(name.startswith("x-databricks-") for name in headers)
