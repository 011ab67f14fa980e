"""What starts a job by itself: schedules, events, and never ending."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from spec.cron import parse_cron
from spec.model import Model
from spec.zones import zone_of

PauseStatus = Literal["PAUSED", "UNPAUSED"]
Seconds = Annotated[int, Field(ge=60)]


def _is_table_name(value: str) -> str:
    if not re.fullmatch(r"[^.\s]+(\.[^.\s]+)+", value):
        raise ValueError(f"'{value}' is no table's name; write schema.table")
    return value


TableName = Annotated[str, AfterValidator(_is_table_name)]


class CronTimes(Model):
    """The instants that a Quartz cron expression means in a time zone."""

    quartz_cron_expression: str = Field(min_length=1)
    timezone_id: str = Field(min_length=1)

    @field_validator("quartz_cron_expression")
    @classmethod
    def _readable(cls, value: str) -> str:
        return parse_cron(value).expression

    @field_validator("timezone_id")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_of(value)
        return value


class CronSchedule(CronTimes):
    """A Quartz cron expression in a time zone."""

    pause_status: PauseStatus = "UNPAUSED"


class PeriodicTrigger(Model):
    """Every so often, counted from when the trigger was set."""

    interval: int = Field(ge=1)
    unit: Literal["MINUTES", "HOURS", "DAYS", "WEEKS"]


class FileArrivalTrigger(Model):
    """When new files arrive under a location of the object store."""

    url: str = Field(pattern=r"^s3a?://[^/]+/.*")
    min_time_between_triggers_seconds: Seconds | None = None
    wait_after_last_change_seconds: Seconds | None = None


class TableUpdateTrigger(Model):
    """When tables have got new snapshots."""

    table_names: tuple[TableName, ...] = Field(min_length=1, max_length=10)
    condition: Literal["ANY_UPDATED", "ALL_UPDATED"] = "ANY_UPDATED"
    min_time_between_triggers_seconds: Seconds | None = None
    wait_after_last_change_seconds: Seconds | None = None


class TriggerSettings(Model):
    """Exactly one kind of trigger."""

    pause_status: PauseStatus = "UNPAUSED"
    periodic: PeriodicTrigger | None = None
    file_arrival: FileArrivalTrigger | None = None
    table_update: TableUpdateTrigger | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        if isinstance(value, dict) and "model" in value:
            raise ValueError("'model' triggers are not supported; use 'table_update'")
        return value  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _one(self) -> "TriggerSettings":
        given = (self.periodic, self.file_arrival, self.table_update)
        if sum(each is not None for each in given) != 1:
            raise ValueError("a trigger is exactly one of periodic, file_arrival, table_update")
        return self


class Continuous(Model):
    """Keep one run of the job active at all times."""

    pause_status: PauseStatus = "UNPAUSED"
    task_retry_mode: Literal["NEVER", "ON_FAILURE"] = "NEVER"
