"""Who is told of what: notifications of jobs and tasks, and the health rules that warn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from spec.model import Model

Destination = Annotated[str, Field(min_length=1, max_length=300)]


class EmailNotifications(Model):
    """E-mail addresses by event."""

    on_start: tuple[Destination, ...] = ()
    on_success: tuple[Destination, ...] = ()
    on_failure: tuple[Destination, ...] = ()
    on_duration_warning_threshold_exceeded: tuple[Destination, ...] = ()
    no_alert_for_skipped_runs: bool = False
    """Older spelling of the field of `notification_settings`."""

    @model_validator(mode="before")
    @classmethod
    def _no_streams(cls, value: object) -> object:
        return _refuse_streams(value)


class Webhook(Model):
    """A notification destination of the workspace, by its id."""

    id: str = Field(min_length=1)


Webhooks = Annotated[tuple[Webhook, ...], Field(max_length=3)]


class WebhookNotifications(Model):
    """Notification destinations by event, three an event at most."""

    on_start: Webhooks = ()
    on_success: Webhooks = ()
    on_failure: Webhooks = ()
    on_duration_warning_threshold_exceeded: Webhooks = ()

    @model_validator(mode="before")
    @classmethod
    def _no_streams(cls, value: object) -> object:
        return _refuse_streams(value)


class NotificationSettings(Model):
    """What is not worth a message."""

    no_alert_for_skipped_runs: bool = False
    no_alert_for_canceled_runs: bool = False
    alert_on_last_attempt: bool = False
    """Of tasks: say nothing of an attempt that will be retried, nor of the retry's start."""


class HealthRule(Model):
    """Warn when a run or task has taken longer than `value` seconds; it goes on."""

    metric: Literal["RUN_DURATION_SECONDS"]
    op: Literal["GREATER_THAN"]
    value: int = Field(gt=0)

    @model_validator(mode="before")
    @classmethod
    def _no_streams(cls, value: object) -> object:
        if isinstance(value, dict) and str(value.get("metric", "")).startswith("STREAMING_"):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            raise ValueError("streaming metrics are not supported; use RUN_DURATION_SECONDS")
        return value  # pyright: ignore[reportUnknownVariableType]


class Health(Model):
    """The health rules of a job or task."""

    rules: tuple[HealthRule, ...] = ()

    @property
    def warn_after_s(self) -> int | None:
        """The shortest duration that is worth a warning; None when there is no rule."""
        return min((rule.value for rule in self.rules), default=None)


def _refuse_streams(value: object) -> object:
    if isinstance(value, dict) and value.get("on_streaming_backlog_exceeded"):  # pyright: ignore[reportUnknownMemberType]
        raise ValueError(
            "'on_streaming_backlog_exceeded' is not supported; use"
            " 'on_duration_warning_threshold_exceeded'"
        )
    return value  # pyright: ignore[reportUnknownVariableType]
