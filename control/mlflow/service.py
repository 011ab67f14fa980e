"""What becomes of a call of MLflow's REST API."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from control.audit import store as audit
from control.mlflow import credentials, registry, rights, searches
from control.mlflow.addresses import answer_to_databricks
from control.mlflow.asking import Asking
from control.mlflow.calls import Deed, Of, named
from control.mlflow.forwarding import Request, send
from control.mlflow.server import Refused
from control.permissions.levels import Kind, Level
from spec.errors import Invalid, NotFound

_KEY = "experiment_id"
_MOST_DELETED = 10_000


async def answer(asking: Asking, request: Request) -> dict[str, Any]:
    """Check a call, do it, and return the answer as the caller's client takes it.

    Raises:
        Invalid: it names nothing, or something that is no id.
        Refused: MLflow said no; also for what belongs to another workspace.
        Forbidden: the caller lacks a permission.
        Unavailable: MLflow does not answer.
    """
    call = request.matched.call
    if call.of is not None:
        await rights.require(asking, call.of, request.named, call.level)
    if call.also is not None:
        await rights.require_given(asking, call.also, request.named, Level.CAN_READ)
    done = await _DEEDS.get(call.deed, send)(asking, request)
    return answer_to_databricks(done) if asking.databricks else done


async def _create_experiment(asking: Asking, request: Request) -> dict[str, Any]:
    name = request.text("name")
    if request.fields.get("artifact_location"):
        raise Invalid(
            "'artifact_location' cannot be chosen: artifacts are kept in the workspace's own place"
        )
    done = await send(asking, request, rights.signed(asking, request.fields))
    experiment_id = str(done[_KEY])
    async with asking.deps.database.session() as session:
        await rights.take(session, asking, Kind.EXPERIMENT, experiment_id, name)
        kind = Kind.EXPERIMENT.value
        audit.record(session, asking.caller, "experiment.created", kind, experiment_id, name=name)
    return done


async def _delete_experiment(asking: Asking, request: Request) -> dict[str, Any]:
    done = await send(asking, request)
    async with asking.deps.database.session() as session:
        kind, experiment_id = Kind.EXPERIMENT.value, str(request.fields[_KEY])
        audit.record(session, asking.caller, "experiment.deleted", kind, experiment_id)
    return done


async def _get_by_name(asking: Asking, request: Request) -> dict[str, Any]:
    request.text("experiment_name")
    done = await send(asking, request)
    experiment_id = str(done.get("experiment", {}).get(_KEY, ""))
    await rights.require_experiment(asking, experiment_id, Level.CAN_READ)
    return done


async def _search_experiments(asking: Asking, request: Request) -> dict[str, Any]:
    ask = partial(send, asking, request)
    return await searches.search(asking, Kind.EXPERIMENT, request.fields, "experiments", _KEY, ask)


async def _delete_runs(asking: Asking, request: Request) -> dict[str, Any]:
    """Delete the runs that began before an instant, the oldest first (Databricks' own call)."""
    until, most = request.fields.get("max_timestamp_millis"), request.fields.get("max_runs", 1000)
    if not isinstance(until, int) or isinstance(until, bool):
        raise Invalid("the field 'max_timestamp_millis' is missing, or no number")
    if not isinstance(most, int) or not 1 <= most <= _MOST_DELETED:
        raise Invalid(f"'max_runs' must be between 1 and {_MOST_DELETED:,}")
    search: Mapping[str, Any] = {
        "experiment_ids": [str(request.fields[_KEY])],
        "filter": f"attributes.start_time <= {until}",
        "run_view_type": "ACTIVE_ONLY",
        "order_by": ["attributes.start_time ASC"],
        "max_results": most,
    }
    call = partial(asking.server.call, asking.workspace_id, "POST")
    found = await call("/api/2.0/mlflow/runs/search", body=search)
    for run in found.get("runs", []):
        await call("/api/2.0/mlflow/runs/delete", body={"run_id": run["info"]["run_id"]})
    return {"runs_deleted": len(found.get("runs", []))}


async def _start_trace(asking: Asking, request: Request) -> dict[str, Any]:
    """Keep a trace; clients choose its id, and one that is there already is written over."""
    for trace_id in named(request.fields, "trace.trace_info.trace_id"):
        try:
            home = await rights.home_of(asking, Of.TRACE, trace_id)
        except Refused as error:
            if error.status != NotFound.status:
                raise
        else:
            await rights.require_experiment(asking, home.experiment_id, Level.CAN_EDIT)
    return await send(asking, request)


async def _server_info(asking: Asking, request: Request) -> dict[str, Any]:
    """Say what MLflow's own client asks of a server; the token names the workspace, not it."""
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
    }


_DEEDS: Mapping[Deed, Callable[[Asking, Request], Awaitable[dict[str, Any]]]] = {
    Deed.CREATE_EXPERIMENT: _create_experiment,
    Deed.DELETE_EXPERIMENT: _delete_experiment,
    Deed.GET_BY_NAME: _get_by_name,
    Deed.SEARCH_EXPERIMENTS: _search_experiments,
    Deed.DELETE_RUNS: _delete_runs,
    Deed.START_TRACE: _start_trace,
    Deed.SERVER_INFO: _server_info,
    Deed.CREATE_MODEL: registry.create,
    Deed.GET_MODEL: registry.get,
    Deed.RENAME_MODEL: registry.rename,
    Deed.DELETE_MODEL: registry.delete,
    Deed.SEARCH_MODELS: registry.search_models,
    Deed.SEARCH_VERSIONS: registry.search_versions,
    Deed.CREATE_VERSION: registry.create_version,
    Deed.TRANSITION: registry.transition,
    Deed.LIST_VERSION_FILES: credentials.list_version_files,
    Deed.LINK_VERSION_FILE: credentials.link_version_file,
    Deed.LINK_READ: partial(credentials.link_files, operation="read"),
    Deed.LINK_WRITE: partial(credentials.link_files, operation="write"),
}
