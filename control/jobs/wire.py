"""Between a job's settings as stored and as clients write and read them."""

from typing import Any, cast

from fastapi import Request

from control.bodies import read_object, validate
from control.jobs.sources import fill_sources
from spec.api.jobs import PAGE, CreateJob
from spec.job_files import load_job
from spec.jobs import JobSettings

_NOTHING: tuple[Any, ...] = ({}, [], None)
_UNUSED = ("email_notifications", "webhook_notifications", "notification_settings")
"""Read back empty where nobody is told, as Databricks does; so they may come back empty."""

_YAML = ("application/yaml", "application/x-yaml", "text/yaml")


def tidy(settings: dict[str, Any]) -> dict[str, Any]:
    """Drop the empty fields that `complete` adds, so that what was read can be sent back."""
    kept = _without_unused(settings)
    if isinstance(kept.get("tasks"), list):
        tasks: list[Any] = kept["tasks"]
        kept["tasks"] = [_without_unused(task) for task in tasks]
    return kept


def _without_unused(fields: Any) -> Any:
    if not isinstance(fields, dict):
        return fields
    known = cast(dict[str, Any], fields)
    return {
        name: value for name, value in known.items() if not (name in _UNUSED and value in _NOTHING)
    }


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Add the fields that Databricks always fills in when a job is read."""
    settings = fill_sources(settings)
    tasks: list[dict[str, Any]] = [
        _shown({"email_notifications": {}, **task}) for task in settings.get("tasks", [])
    ]
    kept = {name: value for name, value in settings.items() if value not in _NOTHING}
    return _shown({"email_notifications": {}, "webhook_notifications": {}, **kept, "tasks": tasks})


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out the lists of recipients that are empty, as Databricks does."""
    for name in ("email_notifications", "webhook_notifications"):
        if name in fields:
            given: dict[str, Any] = fields[name]
            fields[name] = {event: told for event, told in given.items() if told}
    return fields


def page_of(settings: dict[str, Any], offset: int) -> tuple[dict[str, Any], int | None]:
    """Cut one page out of the long arrays of settings.

    Returns:
        The settings with at most 100 entries an array, and where the next page begins; None on
        the last one. Arrays that are finished come empty.
    """
    arrays = ("tasks", "parameters", "environments", "job_clusters")
    cut = {name: settings[name][offset : offset + PAGE] for name in arrays if name in settings}
    more = any(len(settings[name]) > offset + PAGE for name in arrays if name in settings)
    return {**settings, **cut}, offset + PAGE if more else None


def is_yaml(request: Request) -> bool:
    """Tell whether the body is YAML."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower() in _YAML


async def read_settings(request: Request) -> JobSettings:
    """Read one job's settings from a JSON or YAML body.

    Raises:
        RequestValidationError: the JSON breaks the contract; names every mistake.
        InvalidFile: the YAML does; names every mistake with line and column.
    """
    if is_yaml(request):
        return load_job((await request.body()).decode("utf-8", "replace"))
    return validate(JobSettings, tidy(await read_object(request)))


async def read_new_job(request: Request) -> CreateJob:
    """Read a job that is to be made: JSON with permissions, or settings alone in YAML.

    Raises:
        RequestValidationError, InvalidFile: as `read_settings`.
    """
    if is_yaml(request):
        settings = await read_settings(request)
        return CreateJob.model_construct(settings.model_fields_set, **dict(settings))
    return validate(CreateJob, tidy(await read_object(request)))
