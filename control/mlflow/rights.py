"""What a call names, whether it is the caller's workspace's, and whether the caller may do it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import caller_of
from control.mlflow import store
from control.mlflow.asking import Asking
from control.mlflow.calls import Of, named
from control.mlflow.memory import Home
from control.mlflow.server import Refused
from control.permissions import access
from control.permissions.levels import Kind, Level, includes
from control.workspaces.principals import find
from spec.errors import Invalid

CREATOR = "openlake.created_by"
"""Tag of an experiment or model: whose it is, should the process die before that is written."""


async def require(
    asking: Asking, of: Mapping[Of, Sequence[str]], fields: Mapping[str, Any], level: Level
) -> None:
    """Let only those pass who hold the level on all that the fields name.

    Raises:
        Invalid: they name nothing.
        Refused: something is not in the workspace.
        Forbidden: the level is missing.
    """
    if not await require_given(asking, of, fields, level):
        places = [place for places in of.values() for place in places]
        raise Invalid(f"the field '{places[0]}' is missing")


async def require_given(
    asking: Asking, of: Mapping[Of, Sequence[str]], fields: Mapping[str, Any], level: Level
) -> bool:
    """Do the same with what the fields name, if they name anything; tell whether they do."""
    found = {(kind, one) for kind, places in of.items() for one in _all(fields, places)}
    for kind, one in sorted(found):
        await require_one(asking, kind, one, level)
    return bool(found)


def _all(fields: Mapping[str, Any], places: Iterable[str]) -> list[str]:
    return [one for place in places for one in named(fields, place)]


async def require_one(asking: Asking, of: Of, name: str, level: Level) -> None:
    """Let only those pass who hold the level on one object."""
    if of is Of.MODEL:
        await require_level(asking, Kind.REGISTERED_MODEL, await model_id(asking, name), level)
    elif of is Of.EXPERIMENT:
        await require_experiment(asking, name, level)
    else:
        home = await home_of(asking, of, name)
        await require_experiment(asking, home.experiment_id, level)


async def require_experiment(asking: Asking, experiment_id: str, level: Level) -> None:
    """Let only those pass who hold the level on an experiment of the workspace."""
    if (asking.workspace_id, experiment_id) not in asking.memory.experiments:
        async with asking.deps.database.read_session() as session:
            known = await store.exists(session, asking.workspace_id, Kind.EXPERIMENT, experiment_id)
        if not known:
            query = [("experiment_id", experiment_id)]
            told = await _get(asking, "2.0/mlflow/experiments/get", query)
            await _adopt(asking, Kind.EXPERIMENT, experiment_id, told.get("experiment", {}))
        asking.memory.keep_experiment(asking.workspace_id, experiment_id)
    await require_level(asking, Kind.EXPERIMENT, experiment_id, level)


async def require_level(asking: Asking, kind: Kind, object_id: str, level: Level) -> None:
    """Let only those pass who hold the level, now or a moment ago.

    Raises:
        Forbidden: they do not.
    """
    if includes(kind, asking.memory.level(asking.caller, kind, object_id), level):
        return
    async with asking.deps.database.read_session() as session:
        held = await access.level(session, asking.caller, kind, object_id)
        if held is None or not includes(kind, held, level):
            await access.require(session, asking.caller, kind, object_id, level)
    if held is not None:
        asking.memory.keep_level(asking.caller, kind, object_id, held)


async def model_id(asking: Asking, name: str) -> str:
    """Return the id of a registered model of the workspace.

    Raises:
        Refused: there is none of this name.
    """
    async with asking.deps.database.read_session() as session:
        known = await store.model_id(session, asking.workspace_id, name)
    if known is not None:
        return known
    told = await _get(asking, "2.0/mlflow/registered-models/get", [("name", name)])
    return await _adopt(asking, Kind.REGISTERED_MODEL, name, told.get("registered_model", {}))


async def _adopt(asking: Asking, kind: Kind, name: str, told: Mapping[str, Any]) -> str:
    """Note what MLflow holds and we do not know; its creator owns it if a tag names one."""
    tags = {tag.get("key"): tag.get("value") for tag in told.get("tags", [])}
    async with asking.deps.database.session() as session:
        creator = tags.get(CREATOR)
        owner = await find(session, asking.workspace_id, creator) if creator else None
        model = kind is Kind.REGISTERED_MODEL
        known = await store.model_id(session, asking.workspace_id, name) if model else None
        object_id = known or (uuid.uuid4().hex if model else name)
        text = name if model else str(told.get("name", ""))
        added = await store.add(session, asking.workspace_id, kind, object_id, text)
        if added and owner is not None:
            await access.own(session, await caller_of(session, owner), kind, object_id)
    return object_id


async def take(
    session: AsyncSession, asking: Asking, kind: Kind, object_id: str, name: str
) -> None:
    """Note what the caller has just made, as its own."""
    await store.add(session, asking.workspace_id, kind, object_id, name)
    await access.own(session, asking.caller, kind, object_id)


def signed(asking: Asking, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that make an object, with a tag that names its creator."""
    given: Any = fields.get("tags") or []
    if not isinstance(given, list):
        raise Invalid("'tags' must be a list of objects with 'key' and 'value'")
    tags = [tag for tag in cast(list[Any], given) if not _is_ours(tag)]
    return {**fields, "tags": [*tags, {"key": CREATOR, "value": asking.caller.user_name}]}


def _is_ours(tag: Any) -> bool:
    return isinstance(tag, dict) and cast(dict[str, Any], tag).get("key") == CREATOR


async def home_of(asking: Asking, of: Of, name: str) -> Home:
    """Return where a run, a logged model or a trace belongs.

    Raises:
        Refused: it is not in the caller's workspace.
    """
    known = asking.memory.homes.get((asking.workspace_id, of, name))
    if known is not None:
        return known
    home = await _ask_home(asking, of, name)
    asking.memory.keep_home(asking.workspace_id, of, name, home)
    return home


async def _ask_home(asking: Asking, of: Of, name: str) -> Home:
    if name in (".", ".."):
        raise Invalid(f"'{name}' is no id")
    if of is Of.RUN:
        told = await _get(asking, "2.0/mlflow/runs/get", [("run_id", name)])
        info: dict[str, Any] = told.get("run", {}).get("info", {})
        return Home(str(info.get("experiment_id", "")), str(info.get("artifact_uri", "")))
    if of is Of.LOGGED_MODEL:
        told = await _get(asking, f"2.0/mlflow/logged-models/{quote(name, safe='')}")
        info = told.get("model", {}).get("info", {})
        return Home(str(info.get("experiment_id", "")), str(info.get("artifact_uri", "")))
    told = await _get(asking, f"3.0/mlflow/traces/{quote(name, safe='')}")
    info = told.get("trace", {}).get("trace_info", {})
    place = info.get("trace_location", {}).get("mlflow_experiment", {})
    address = info.get("tags", {}).get("mlflow.artifactLocation", "")
    if "experiment_id" not in place:
        raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"There is no trace '{name}'.")
    return Home(str(place["experiment_id"]), str(address))


async def _get(asking: Asking, path: str, query: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    return await asking.server.call(asking.workspace_id, "GET", f"/api/{path}", query=query)
