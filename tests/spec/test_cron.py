from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.cron import BadCron, parse_cron
from spec.cron_fire import next_fire, next_fires
from spec.cron_words import describe
from spec.errors import Invalid
from spec.zones import BadZone, zone_of

BERLIN = "Europe/Berlin"


def local(expression: str, start: str, zone: str = BERLIN, count: int = 3) -> list[str]:
    """The next fires as wall times with their offset, from a wall time of the zone."""
    info = zone_of(zone)
    after = datetime.fromisoformat(start).replace(tzinfo=info)
    found = next_fires(parse_cron(expression), after, zone, count)
    return [at.astimezone(info).strftime("%Y-%m-%d %H:%M%z") for at in found]


def days(expression: str, start: str = "2026-01-01", count: int = 3) -> list[str]:
    """The next days of an expression that fires at midnight UTC."""
    return [text[:10] for text in local(expression, start, "UTC", count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # Weekdays count from 1 = Sunday; 2026-01-01 is a Thursday.
        ("0 0 0 ? * 1", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("0 0 0 ? * 7", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 0 0 ? * L", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 0 0 ? * FRI-MON", ["2026-01-02", "2026-01-03", "2026-01-04"]),
        ("0 0 0 ? * 6L", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 0 0 ? * FRIL", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 0 0 ? * 6#3", ["2026-01-16", "2026-02-20", "2026-03-20"]),
        ("0 0 0 ? * FRI#5", ["2026-01-30", "2026-05-29", "2026-07-31"]),
        ("0 0 0 L * ?", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 0 0 L-3 * ?", ["2026-01-28", "2026-02-25", "2026-03-28"]),
        # 31 January is a Saturday, 28 February too.
        ("0 0 0 LW * ?", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("0 0 0 L-3W * ?", ["2026-01-28", "2026-02-25", "2026-03-27"]),
        # 15 February and 15 March are Sundays, so Monday 16; 1 August is a Saturday: Monday 3.
        ("0 0 0 15W * ?", ["2026-01-15", "2026-02-16", "2026-03-16"]),
        ("0 0 0 1W 8 ?", ["2026-08-03", "2027-08-02", "2028-08-01"]),
        ("0 0 0 29 FEB ?", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 0 0 31 * ?", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("0 0 0 1 NOV-FEB ?", ["2026-02-01", "2026-11-01", "2026-12-01"]),
        ("0 0 0 1 1 ? 2026-2030/2", ["2028-01-01", "2030-01-01"]),
        ("0 0 0 1,15 jan ?", ["2026-01-15", "2027-01-01", "2027-01-15"]),
        ("0 0 0 30 2 ?", []),
        ("0 0 0 1 1 ? 2020", []),
    ],
)
def test_days(expression: str, expected: list[str]) -> None:
    assert days(expression) == expected


def test_hours_may_wrap_around_midnight() -> None:
    found = local("0 0 22-2 * * ?", "2026-01-01 21:00", count=6)
    assert [text[11:13] for text in found] == ["22", "23", "00", "01", "02", "22"]


def test_steps_begin_at_their_start_and_end_with_their_field() -> None:
    found = local("0 10/25 * * * ?", "2026-01-01 00:00", count=3)
    assert [text[11:16] for text in found] == ["00:10", "00:35", "01:10"]


def test_an_hour_that_the_clock_skips_does_not_fire() -> None:
    assert local("0 30 2 * * ?", "2026-03-28 00:00", count=2) == [
        "2026-03-28 02:30+0100",
        "2026-03-30 02:30+0200",
    ]
    found = local("0 0/30 * * * ?", "2026-03-29 01:00", count=3)
    assert [text[11:] for text in found] == ["01:30+0100", "03:00+0200", "03:30+0200"]


def test_an_hour_that_comes_twice_fires_in_its_second_pass() -> None:
    assert local("0 30 2 * * ?", "2026-10-24 12:00", count=2) == [
        "2026-10-25 02:30+0100",
        "2026-10-26 02:30+0100",
    ]
    found = local("0 0/30 * * * ?", "2026-10-25 01:20", count=3)
    assert [text[11:] for text in found] == ["01:30+0200", "02:00+0100", "02:30+0100"]


def test_half_hour_changes() -> None:
    found = local("0 0/15 * * * ?", "2026-10-04 01:40", "Australia/Lord_Howe", count=3)
    assert [text[11:] for text in found] == ["01:45+1030", "02:30+1100", "02:45+1100"]


def test_the_day_that_samoa_never_had() -> None:
    found = local("0 0 6 * * ?", "2011-12-29 00:00", "Pacific/Apia", count=2)
    assert found == ["2011-12-29 06:00-1000", "2011-12-31 06:00+1400"]


def test_a_weekday_rule_on_a_midnight_that_is_skipped_comes_to_an_end() -> None:
    """Quartz itself never answers: 2027-04-30 has no 00:00 in Cairo, and LW means that day."""
    found = local("0 0 0 LW * ?", "2027-04-01 00:00", "Africa/Cairo", count=1)
    assert found == ["2027-05-31 00:00+0300"]


def test_fractions_of_a_second_do_not_hide_the_next_second() -> None:
    after = datetime(2026, 1, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    cron = parse_cron("0 0 6 * * ?")
    assert next_fire(cron, after, "UTC") == datetime(2026, 1, 1, 6, tzinfo=UTC)
    assert next_fire(cron, datetime(2026, 1, 1, 6, tzinfo=UTC), "UTC") == datetime(
        2026, 1, 2, 6, tzinfo=UTC
    )


def test_the_years_have_an_end_and_a_beginning() -> None:
    assert days("0 0 0 31 12 ?", "2098-06-01") == ["2098-12-31", "2099-12-31"]
    assert days("0 0 0 31 12 ?", "9999-12-31") == []
    assert days("0 0 0 31 12 ?", "0001-01-02", count=1) == ["1970-12-31"]


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.sampled_from(["0 0 * * * ?", "7 3 1-5 ? * MON-FRI", "0 30 2 LW * ?", "0 0 0 ? * 6#3"]),
)
def test_fires_ascend_and_none_is_left_out(start: datetime, zone: str, expression: str) -> None:
    cron, after = parse_cron(expression), start.replace(tzinfo=UTC)
    first, second = next_fires(cron, after, zone, 2)
    assert after < first < second
    assert next_fire(cron, first - timedelta(seconds=1), zone) == first


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("0 6 * * *", r"5 fields, as Unix cron.*write '0 0 6 \* \* \?'"),
        ("0 6 * * MON-FRI", r"write '0 0 6 \? \* MON-FRI'"),
        ("0 6 1 * 5", "wants 6 or 7"),
        ("", "has 0 fields"),
        ("0 0 6 * * ? 2026 1", "has 8 fields"),
        ("0 0 6 ? * ?", "both are"),
        ("0 0 6 * * *", r"write '0 0 6 \* \* \?'"),
        ("0 0 6 * * MON", r"write '0 0 6 \? \* MON'"),
        ("0 0 6 1 * *", r"write '0 0 6 1 \* \?'"),
        ("0 0 6 1 * MON", "neither is: day of month is '1', day of week is 'MON'"),
        ("60 0 6 * * ?", "field seconds is '60': 60 is not within 0 to 59"),
        ("0 60 6 * * ?", "field minutes"),
        ("0 0 24 * * ?", "field hours is '24': 24 is not within 0 to 23"),
        ("0 0 6 32 * ?", "field day of month"),
        ("0 0 6 0 * ?", "0 is not within 1 to 31"),
        ("0 0 6 1 13 ?", "13 is not within 1 to 12 or JAN to DEC"),
        ("0 0 6 ? * 0", "weekdays count from 1 = SUN"),
        ("0 0 6 ? * 8", "8 is not within 1 to 7 or SUN to SAT"),
        ("0 0 6 * * ? 2100", "2100 is not within 1970 to 2099"),
        ("0 0 6 * * ? 2030-2026", "ends before it starts"),
        ("0 */0 * * * ?", "step of '\\*/0' must be between 1 and 59"),
        ("0 */60 * * * ?", "must be between 1 and 59"),
        ("0 0 6 ? * MON-FRI/2", "Quartz ignores the step of 'MON-FRI/2'.*2-6/2"),
        ("0 0 6 ? * MONDAY", "write 'MON' instead of 'MONDAY'"),
        ("0 0 6 ? * MON-6", "both as numbers or both as names"),
        ("0 0 6 ? * 6#6", "from 1 to 5 must follow"),
        ("0 0 6 ? * 6#3,2", "stands alone"),
        ("0 0 6 ? * MON,L", "stands alone"),
        ("0 0 6 L-31 * ?", "more than 30 days before the end"),
        ("0 0 6 15L * ?", "'15L' is unknown; write 'L', 'L-3'"),
        ("0 0 6 ?,1 * MON", "neither is"),
        ("0 0 6 1,? * ?", "'\\?' stands alone"),
        ("0 0 6 1,,2 * ?", "remove the spare one"),
        ("0 0 L * * ?", "field hours is 'L': 'L' is a rule for days"),
        ("0 x 6 * * ?", "'X' is not a value, a range or a step"),
        ("0 ² 6 * * ?", "field minutes"),
    ],
)
def test_mistakes_name_the_field_and_what_to_write(expression: str, message: str) -> None:
    with pytest.raises(BadCron, match=message) as caught:
        parse_cron(expression)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, Invalid)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("berlin", "did you mean 'Europe/Berlin'"),
        ("Europe", "there is no time zone 'Europe'"),
        ("", "there is no time zone ''"),
        ("../etc/passwd", "there is no time zone"),
        ("right/UTC", "there is no time zone"),
        ("Mars/Base", "write a region such as"),
    ],
)
def test_an_unknown_zone_is_an_error_not_gmt(name: str, message: str) -> None:
    with pytest.raises(BadZone, match=message):
        zone_of(name)


def test_javas_names_of_zones() -> None:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert at.astimezone(zone_of("PST")).utcoffset() == timedelta(hours=-7)
    assert at.astimezone(zone_of("GMT-03:30")).utcoffset() == -timedelta(hours=3, minutes=30)
    assert at.astimezone(zone_of("GMT+5")).utcoffset() == timedelta(hours=5)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 6 ? * MON-FRI", "every weekday at 06:00 Europe/Berlin"),
        ("0 0/15 * * * ?", "every 15 minutes"),
        ("0 * * * * ?", "every minute"),
        ("*/10 * * * * ?", "every 10 seconds"),
        ("* * * * * ?", "every second"),
        ("0 0 * * * ?", "every hour"),
        ("0 5 * ? * *", "every hour at 5 min past"),
        ("0 0 */2 * * ?", "every 2 hours from midnight Europe/Berlin"),
        ("0 0 6 * * ?", "every day at 06:00 Europe/Berlin"),
        ("30 0 6 * * ?", "every day at 06:00:30 Europe/Berlin"),
        ("0 0 6,18 * * ?", "every day at 06:00 and 18:00 Europe/Berlin"),
        ("0 0/15 8-17 ? * 2-6", "every 15 minutes from 08:00 to 17:59 every weekday Europe/Berlin"),
        ("0 30 8-17 * * ?", "every hour at 30 min past from 08:00 to 17:00 Europe/Berlin"),
        ("0 0 6 ? * SAT,SUN", "every Saturday and Sunday at 06:00 Europe/Berlin"),
        ("0 0 6 ? * 6L", "on the last Friday of every month at 06:00 Europe/Berlin"),
        ("0 0 6 ? 3 6#3", "on the third Friday of March at 06:00 Europe/Berlin"),
        ("0 0 6 L * ?", "on the last day of every month at 06:00 Europe/Berlin"),
        ("0 0 6 L-3 * ?", "on the 3rd day before the last of every month at 06:00 Europe/Berlin"),
        ("0 0 6 LW * ?", "on the last weekday of every month at 06:00 Europe/Berlin"),
        ("0 0 6 15W * ?", "on the weekday nearest day 15 of every month at 06:00 Europe/Berlin"),
        ("0 0 6 1,15 1,7 ?", "on day 1 and 15 of January and July at 06:00 Europe/Berlin"),
        ("0 0 6 1 * ? 2027", "on day 1 of every month in 2027 at 06:00 Europe/Berlin"),
        (
            "0 1,2,3,4,5,6,7 6 * * ?",
            "every day at minutes 1, 2, 3, 4, 5, 6 and 7 of hour 6 Europe/Berlin",
        ),
    ],
)
def test_words(expression: str, words: str) -> None:
    assert describe(parse_cron(expression), BERLIN) == words
