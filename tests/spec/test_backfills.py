from datetime import UTC, datetime

import pytest

from spec.backfills import (
    BY_SCHEDULE,
    Range,
    check_parameters,
    parameters_at,
    parse_bound,
    parse_every,
)
from spec.errors import Invalid
from spec.schedules import CronSchedule


def dates(first: str, last: str, every: str, zone: str = "UTC", cron: str = "") -> list[str]:
    schedule = CronSchedule(quartz_cron_expression=cron, timezone_id=zone) if cron else None
    asked = Range(
        parse_bound(first, zone, is_last=False),
        parse_bound(last, zone, is_last=True),
        every,
        zone,
        schedule,
    )
    return [at.strftime("%m-%dT%H:%M") for at in asked.dates()]


def test_both_ends_belong_to_the_range() -> None:
    assert dates("2026-01-01", "2026-01-03", "1d") == ["01-01T00:00", "01-02T00:00", "01-03T00:00"]
    assert dates("2026-01-01", "2026-01-01", "8h") == ["01-01T00:00", "01-01T08:00", "01-01T16:00"]
    assert dates("2026-01-01T06:00", "2026-01-01T07:00", "30m") == [
        "01-01T06:00",
        "01-01T06:30",
        "01-01T07:00",
    ]


def test_days_are_the_calendars_and_hours_are_hours() -> None:
    """Berlin's clocks go forward on 29 March 2026."""
    assert dates("2026-03-28T06:00", "2026-03-30T06:00", "1d", "Europe/Berlin") == [
        "03-28T05:00",
        "03-29T04:00",
        "03-30T04:00",
    ]
    assert dates("2026-03-28T06:00", "2026-03-29T08:00", "24h", "Europe/Berlin") == [
        "03-28T05:00",
        "03-29T05:00",
    ]


def test_by_the_jobs_schedule() -> None:
    found = dates("2026-03-27", "2026-03-30", BY_SCHEDULE, "Europe/Berlin", "0 0 6 ? * MON-FRI")
    assert found == ["03-27T05:00", "03-30T04:00"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("2026-01-01", "2026-01-02", BY_SCHEDULE), "no Quartz schedule"),
        (("2026-01-01", "2026-12-31", "1m"), "more than 10000"),
        (("2026-01-02", "2026-01-01", "1d"), "no logical date"),
        (("soon", "2026-01-01", "1d"), "'soon' is no date"),
        (("2026-01-01", "2026-13-01", "1d"), "is no date"),
        (("2026-01-01", "2026-01-02", "1y"), "'1y' is no interval"),
        (("2026-01-01", "2026-01-02", "0d"), "is no interval"),
    ],
)
def test_what_makes_no_range_is_refused(given: tuple[str, str, str], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        dates(*given)


def test_intervals() -> None:
    assert parse_every("6h") == (6, "h")
    assert parse_every(" 1 W") == (1, "w")


def test_parameters_name_the_logical_date() -> None:
    at = datetime(2026, 1, 5, 6, tzinfo=UTC)
    given = {
        "day": "{{backfill.iso_date}}",
        "path": "s3://b/{{ backfill.year }}/{{backfill.month}}/",
        "later": "{{job.run_id}}",
    }
    assert parameters_at(given, at) == {
        "day": "2026-01-05",
        "path": "s3://b/2026/1/",
        "later": "{{job.run_id}}",
    }
    check_parameters(given)
    with pytest.raises(Invalid, match=r"'\{\{backfill.date\}\}' is no reference.*iso_date"):
        check_parameters({"day": "{{backfill.date}}"})
