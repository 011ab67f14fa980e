"""Requests and answers of `jobs/*` (Databricks Jobs API 2.0 to 2.2)."""

from typing import Any

from pydantic import Field

from spec.api.permissions import AccessControl
from spec.attempts import Frozen
from spec.jobs import JobSettings
from spec.model import Model

PAGE = 100
"""Entries of one array that `jobs/get` and `jobs/runs/get` answer at a time."""


class CreateJob(JobSettings):
    """Request of `jobs/create`: a job's settings, and who may do what with it from the start."""

    access_control_list: tuple[AccessControl, ...] = Field(default=(), max_length=1000)

    @property
    def settings(self) -> JobSettings:
        """What is kept as the job's settings."""
        values = {name: getattr(self, name) for name in JobSettings.model_fields}
        given = self.model_fields_set - {"access_control_list"}
        return JobSettings.model_construct(given, **values)


class JobId(Frozen):
    """Answer of `jobs/create`."""

    job_id: int


class Empty(Frozen):
    """Answer of what has nothing to say: `{}`."""


class JobRef(Model):
    """Request of `jobs/delete`."""

    job_id: int


class ResetJob(Model):
    """Request of `jobs/reset`: the new settings replace all."""

    job_id: int
    new_settings: JobSettings


class UpdateJob(Model):
    """Request of `jobs/update`.

    Top-level fields are replaced whole; `tasks` are merged by `task_key`. `fields_to_remove` names
    top-level fields or `tasks/<task_key>`.
    """

    job_id: int
    new_settings: dict[str, Any] = Field(default={})
    fields_to_remove: tuple[str, ...] = ()


class JobView(Frozen):
    """Answer of `jobs/get` and an entry of `jobs/list`."""

    job_id: int
    creator_user_name: str
    run_as_user_name: str
    created_time: int
    settings: dict[str, Any]
    """`JobSettings` with the fields that Databricks fills in; at most 100 tasks a page."""
    trigger_state: dict[str, Any] | None = None
    """How far the trigger is, if one is set and not paused: when it fires next (epoch ms), when it
    last did and with which run, and why not, beside Databricks' own fields. `jobs/get` shows it
    with `include_trigger_state`; lists always do."""
    has_more: bool | None = None
    next_page_token: str | None = None


class JobList(Frozen):
    """Answer of `jobs/list`, newest first."""

    jobs: tuple[JobView, ...] = ()
    has_more: bool = False
    next_page_token: str | None = None
    prev_page_token: str | None = None


class ListJobs(Model):
    """Query of `jobs/list`."""

    limit: int = Field(default=20, ge=1, le=100)
    name: str | None = None
    expand_tasks: bool = False
    page_token: str | None = None
    offset: int = Field(default=0, ge=0, le=10_000)
    include_user_names: bool = False
    """Without effect: names are always included. Airflow's Databricks provider sends it."""
