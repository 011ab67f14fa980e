"""What happens in a run that somebody may want to be told, and who is; pure.

Rules are Databricks' (Jobs API 2.2, `NotificationSettings`, "Add notifications on a job"): a run
that succeeded with failures counts as a success; `on_failure` also covers runs that were cancelled
or skipped, unless those are muted; a task tells of every attempt unless `alert_on_last_attempt`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from spec.notices import EmailNotifications, NotificationSettings, WebhookNotifications


class NoticeEvent(StrEnum):
    """The lists of recipients that a job or task has."""

    ON_START = "on_start"
    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ON_DURATION_WARNING = "on_duration_warning_threshold_exceeded"


@dataclass(frozen=True)
class Occasion:
    """Something that happened to a run (`task_key` None) or to one attempt of a task."""

    what: Literal["started", "ended", "warned"]
    at: datetime
    task_key: str | None = None
    task_run_id: int = 0
    attempt: int = 0
    """0 for the first, as Databricks' `attempt_number`."""
    result: str = ""
    """Of an end: the name of a `RunResult`, `TaskPhase` or `AttemptResult`, or SKIPPED."""
    message: str = ""
    will_retry: bool = False
    """Of an attempt's end: another one follows."""
    seconds: int = 0
    """Of a warning: the duration that was exceeded."""


@dataclass(frozen=True)
class Level:
    """Who is to be told of a job, or of one of its tasks."""

    email: EmailNotifications
    webhook: WebhookNotifications
    settings: NotificationSettings

    @property
    def is_silent(self) -> bool:
        """True when nobody is ever told."""
        return not any(
            getattr(lists, event.value)
            for lists in (self.email, self.webhook)
            for event in NoticeEvent
        )


@dataclass(frozen=True)
class Notice:
    """One message to one recipient."""

    event: NoticeEvent
    channel: Literal["email", "destination"]
    destination: str
    """An address, or the id of a notification destination."""


_SUCCEEDED = frozenset({"SUCCESS", "SUCCESS_WITH_FAILURES"})
_UNREMARKABLE = frozenset({"EXCLUDED", "DISABLED"})
"""Tasks that did not run because the job says so."""
_MENDED = frozenset({"LOST", "CONFLICT"})
_SKIPPED = frozenset({"SKIPPED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED"})
"""Runs that no slot was free for, and tasks that did not run because of others."""


def levels(settings: Mapping[str, Any]) -> dict[str | None, Level]:
    """Return who is told, by task key, the job itself under None; the silent ones are left out.

    Args:
        settings: A job's settings as stored: large, and mostly about other things, so that only
            what is needed of them is read.
    """
    owners: list[tuple[str | None, Mapping[str, Any]]] = [(None, settings)]
    owners += [(task["task_key"], task) for task in settings.get("tasks", ())]
    found = ((key, _level(fields)) for key, fields in owners)
    return {key: level for key, level in found if not level.is_silent}


def _level(fields: Mapping[str, Any]) -> Level:
    return Level(
        EmailNotifications.model_validate(fields.get("email_notifications") or {}),
        WebhookNotifications.model_validate(fields.get("webhook_notifications") or {}),
        NotificationSettings.model_validate(fields.get("notification_settings") or {}),
    )


def notices(level: Level, occasion: Occasion) -> list[Notice]:
    """Return who is told of an occasion, each recipient once."""
    event = event_of(level.settings, occasion)
    if event is None:
        return []
    addresses = getattr(level.email, event.value)
    if occasion.result in _SKIPPED and level.email.no_alert_for_skipped_runs:
        addresses = ()
    hooks = [hook.id for hook in getattr(level.webhook, event.value)]
    return [
        *(Notice(event, "email", address) for address in dict.fromkeys(addresses)),
        *(Notice(event, "destination", hook) for hook in dict.fromkeys(hooks)),
    ]


def event_of(settings: NotificationSettings, occasion: Occasion) -> NoticeEvent | None:
    """Return which list of recipients an occasion is for; None when it is muted or no news."""
    if occasion.what == "warned":
        return NoticeEvent.ON_DURATION_WARNING
    if occasion.what == "started":
        again = occasion.attempt > 0 and settings.alert_on_last_attempt
        return None if again else NoticeEvent.ON_START
    if occasion.result in _SUCCEEDED:
        return NoticeEvent.ON_SUCCESS
    if occasion.result in _UNREMARKABLE or _is_muted(settings, occasion):
        return None
    return NoticeEvent.ON_FAILURE


def _is_muted(settings: NotificationSettings, occasion: Occasion) -> bool:
    if occasion.will_retry:
        # A machine that was lost, or a conflict, is OpenLake's to mend: the task has not failed.
        return settings.alert_on_last_attempt or occasion.result in _MENDED
    if occasion.result in _SKIPPED:
        return settings.no_alert_for_skipped_runs
    return occasion.result == "CANCELED" and settings.no_alert_for_canceled_runs
