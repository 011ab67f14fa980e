"""Registered models and their versions."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from control.audit import store as audit
from control.mlflow import rights, searches, store
from control.mlflow.addresses import from_databricks, path_of, place_of
from control.mlflow.asking import Asking
from control.mlflow.calls import Of
from control.mlflow.forwarding import Request, send
from control.permissions import access
from control.permissions.levels import Kind, Level
from spec.errors import Invalid

_KIND = Kind.REGISTERED_MODEL


async def create(asking: Asking, request: Request) -> dict[str, Any]:
    """Make a model, the caller's own."""
    name = request.text("name")
    done = await send(asking, request, rights.signed(asking, request.fields))
    async with asking.deps.database.session() as session:
        # A model of this name may have been deleted past the proxy.
        old = await store.model_id(session, asking.workspace_id, name)
        if old is not None:
            await _forget(session, asking, old)
        model_id = uuid4().hex
        await rights.take(session, asking, _KIND, model_id, name)
        audit.record(
            session, asking.caller, "registered_model.created", _KIND.value, model_id, name=name
        )
    return done


async def get(asking: Asking, request: Request) -> dict[str, Any]:
    """Return a model as Databricks does: with its id and what the caller may do with it."""
    model_id = await rights.model_id(asking, request.text("name"))
    told: dict[str, Any] = (await send(asking, request)).get("registered_model", {})
    async with asking.deps.database.read_session() as session:
        level = await access.level(session, asking.caller, _KIND, model_id)
    return {"registered_model_databricks": {**told, "id": model_id, "permission_level": level}}


async def rename(asking: Asking, request: Request) -> dict[str, Any]:
    """Give a model another name; it stays who may do what."""
    name, new = request.text("name"), request.text("new_name")
    model_id = await rights.model_id(asking, name)
    done = await send(asking, request)
    async with asking.deps.database.session() as session:
        await store.rename_model(session, asking.workspace_id, name, new)
        facts = {"name": name, "new_name": new}
        audit.record(
            session, asking.caller, "registered_model.renamed", _KIND.value, model_id, **facts
        )
    return done


async def delete(asking: Asking, request: Request) -> dict[str, Any]:
    """Delete a model with all its versions."""
    name = request.text("name")
    model_id = await rights.model_id(asking, name)
    done = await send(asking, request)
    async with asking.deps.database.session() as session:
        await _forget(session, asking, model_id)
        audit.record(
            session, asking.caller, "registered_model.deleted", _KIND.value, model_id, name=name
        )
    return done


async def _forget(session: Any, asking: Asking, model_id: str) -> None:
    await store.remove(session, _KIND, model_id)
    await access.forget(session, asking.workspace_id, _KIND, model_id)


async def search_models(asking: Asking, request: Request) -> dict[str, Any]:
    """Find models that the caller may read."""
    ask = partial(send, asking, request)
    return await searches.search(asking, _KIND, request.fields, "registered_models", "name", ask)


async def search_versions(asking: Asking, request: Request) -> dict[str, Any]:
    """Find versions of models that the caller may read."""
    ask = partial(send, asking, request)
    return await searches.search(asking, _KIND, request.fields, "model_versions", "name", ask)


async def create_version(asking: Asking, request: Request) -> dict[str, Any]:
    """Make a version of what the caller may read."""
    source = from_databricks(request.text("source"), asking.workspace)
    fields: Mapping[str, Any] = {**request.fields, "source": source}
    given = {Of.RUN: ("run_id",), Of.LOGGED_MODEL: ("model_id",)}
    await rights.require_given(asking, given, fields, Level.CAN_READ)
    await _require_source(asking, source)
    return await send(asking, request, fields)


async def _require_source(asking: Asking, source: str) -> None:
    scheme, _, rest = source.partition(":/")
    first, _, after = rest.strip("/").partition("/")
    if scheme == "runs":
        await rights.require_one(asking, Of.RUN, first, Level.CAN_READ)
    elif scheme == "models":
        of = Of.MODEL if after or "@" in first else Of.LOGGED_MODEL
        await rights.require_one(asking, of, first.partition("@")[0], Level.CAN_READ)
    elif scheme == "mlflow-artifacts":
        place = place_of(path_of(source), asking.workspace)
        await rights.require_experiment(asking, place.experiment_id, Level.CAN_READ)
    else:
        raise Invalid(
            f"the source '{source[:200]}' is not kept by this server: log the model to a run first"
            " and register it from there"
        )


async def transition(asking: Asking, request: Request) -> dict[str, Any]:
    """Move a version to a stage, in Databricks' own call."""
    fields = {name: value for name, value in request.fields.items() if name != "comment"}
    done = await send(asking, request, fields)
    return {"model_version_databricks": done.get("model_version", {})}
