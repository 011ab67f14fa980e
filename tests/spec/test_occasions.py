"""Who is told of what: Databricks' rules, one line each."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from spec.notices import NotificationSettings
from spec.occasions import Level, NoticeEvent, Occasion, event_of, levels, notices
from spec.tasks import Task

T0 = datetime(2026, 1, 1, tzinfo=UTC)
START, GOOD, BAD, SLOW = NoticeEvent

SKIPS, CANCELS, LAST = (
    "no_alert_for_skipped_runs",
    "no_alert_for_canceled_runs",
    "alert_on_last_attempt",
)


def ended(result: str, **fields: Any) -> Occasion:
    return Occasion("ended", T0, result=result, **fields)


def started(attempt: int) -> Occasion:
    return Occasion("started", T0, "t", 1, attempt=attempt)


@pytest.mark.parametrize(
    ("occasion", "muted", "event"),
    [
        (Occasion("started", T0), (), START),
        (Occasion("started", T0), (SKIPS, CANCELS, LAST), START),
        (Occasion("warned", T0, seconds=5), (SKIPS, CANCELS, LAST), SLOW),
        (ended("SUCCESS"), (SKIPS, CANCELS, LAST), GOOD),
        (ended("SUCCESS_WITH_FAILURES"), (), GOOD),
        (ended("FAILED"), (SKIPS, CANCELS, LAST), BAD),
        (ended("TIMEDOUT"), (SKIPS, CANCELS, LAST), BAD),
        (ended("INTERNAL_ERROR"), (SKIPS, CANCELS, LAST), BAD),
        (ended("LOST"), (SKIPS, CANCELS, LAST), BAD),
        (ended("CANCELED"), (), BAD),
        (ended("CANCELED"), (SKIPS, LAST), BAD),
        (ended("CANCELED"), (CANCELS,), None),
        (ended("SKIPPED"), (), BAD),
        (ended("SKIPPED"), (CANCELS, LAST), BAD),
        (ended("SKIPPED"), (SKIPS,), None),
        # Tasks that never ran.
        (ended("UPSTREAM_FAILED"), (), BAD),
        (ended("UPSTREAM_FAILED"), (SKIPS,), None),
        (ended("UPSTREAM_CANCELED"), (SKIPS,), None),
        (ended("EXCLUDED"), (), None),
        (ended("DISABLED"), (), None),
        # Attempts that are followed by another.
        (started(0), (LAST,), START),
        (started(1), (), START),
        (started(1), (LAST,), None),
        (ended("FAILED", will_retry=True), (), BAD),
        (ended("FAILED", will_retry=True), (LAST,), None),
        (ended("TIMEDOUT", will_retry=True), (LAST,), None),
        # What OpenLake mends by itself is no news.
        (ended("LOST", will_retry=True), (), None),
    ],
)
def test_which_list_of_recipients_it_is_for(
    occasion: Occasion, muted: tuple[str, ...], event: NoticeEvent | None
) -> None:
    settings = NotificationSettings.model_validate(dict.fromkeys(muted, True))
    assert event_of(settings, occasion) == event


def level(**fields: Any) -> Level:
    return levels(fields)[None]


def test_each_recipient_is_told_once_by_its_channel() -> None:
    told = notices(
        level(
            email_notifications={"on_failure": ["a@x.org", "b@x.org", "a@x.org"]},
            webhook_notifications={"on_failure": [{"id": "h"}, {"id": "h"}]},
        ),
        ended("FAILED"),
    )
    assert [(each.channel, each.destination) for each in told] == [
        ("email", "a@x.org"),
        ("email", "b@x.org"),
        ("destination", "h"),
    ]
    assert {each.event for each in told} == {BAD}


def test_only_the_list_of_the_event_is_told() -> None:
    lists = {event.value: [f"{event.value}@x.org"] for event in NoticeEvent}
    heard = [
        notices(level(email_notifications=lists), occasion)[0].destination
        for occasion in (
            Occasion("started", T0),
            ended("SUCCESS"),
            ended("FAILED"),
            Occasion("warned", T0),
        )
    ]
    assert heard == [f"{event.value}@x.org" for event in NoticeEvent]


def test_the_older_spelling_mutes_e_mail_alone() -> None:
    told = notices(
        level(
            email_notifications={"on_failure": ["a@x.org"], SKIPS: True},
            webhook_notifications={"on_failure": [{"id": "h"}]},
        ),
        ended("SKIPPED"),
    )
    assert [each.destination for each in told] == ["h"]


def test_levels_keep_those_who_tell_somebody() -> None:
    found = levels(
        {
            "email_notifications": {},
            "webhook_notifications": None,
            "tasks": [
                {"task_key": "quiet", "email_notifications": {"on_start": []}},
                {"task_key": "loud", "webhook_notifications": {"on_start": [{"id": "h"}]}},
            ],
        }
    )
    assert list(found) == ["loud"]


def for_each(**fields: Any) -> dict[str, Any]:
    inner = {"task_key": "i", "spark_python_task": {"python_file": "/a.py"}, **fields}
    return {"task_key": "f", "for_each_task": {"inputs": "[1]", "task": inner}}


def test_iterations_cannot_tell_anybody() -> None:
    with pytest.raises(ValidationError, match="to the for_each_task; its iterations tell nobody"):
        Task.model_validate(for_each(email_notifications={"on_start": ["a@x.org"]}))
    Task.model_validate(for_each(email_notifications={}, webhook_notifications={}))
