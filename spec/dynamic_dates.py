"""Dates that count from the moment a query runs, under Databricks' names; pure.

Databricks' API names them without saying where each begins and ends; that is as in Redash, where
its query editor comes from: whole days, weeks, months and years include their last moment,
`LAST_<n>_DAYS` begins n days ago and ends with today, and hours count back from this moment.
"""

from datetime import datetime, timedelta
from enum import StrEnum


class DatePrecision(StrEnum):
    """How far a date tells the time."""

    DAY = "DAY_PRECISION"
    MINUTE = "MINUTE_PRECISION"
    SECOND = "SECOND_PRECISION"

    def spell(self, at: datetime) -> str:
        """Return an instant as far as this goes, the rest cut off."""
        return at.strftime(_FORMATS[self])


_FORMATS = {
    DatePrecision.DAY: "%Y-%m-%d",
    DatePrecision.MINUTE: "%Y-%m-%d %H:%M:00",
    DatePrecision.SECOND: "%Y-%m-%d %H:%M:%S",
}


class DynamicDate(StrEnum):
    """One point in time."""

    NOW = "NOW"
    YESTERDAY = "YESTERDAY"


class DynamicDateRange(StrEnum):
    """A range of time."""

    TODAY = "TODAY"
    YESTERDAY = "YESTERDAY"
    THIS_WEEK = "THIS_WEEK"
    THIS_MONTH = "THIS_MONTH"
    THIS_YEAR = "THIS_YEAR"
    LAST_WEEK = "LAST_WEEK"
    LAST_MONTH = "LAST_MONTH"
    LAST_YEAR = "LAST_YEAR"
    LAST_HOUR = "LAST_HOUR"
    LAST_8_HOURS = "LAST_8_HOURS"
    LAST_24_HOURS = "LAST_24_HOURS"
    LAST_7_DAYS = "LAST_7_DAYS"
    LAST_14_DAYS = "LAST_14_DAYS"
    LAST_30_DAYS = "LAST_30_DAYS"
    LAST_60_DAYS = "LAST_60_DAYS"
    LAST_90_DAYS = "LAST_90_DAYS"
    LAST_12_MONTHS = "LAST_12_MONTHS"


_DAY = timedelta(days=1)
_HOURS = {
    DynamicDateRange.LAST_HOUR: 1,
    DynamicDateRange.LAST_8_HOURS: 8,
    DynamicDateRange.LAST_24_HOURS: 24,
}
_DAYS = {
    DynamicDateRange.LAST_7_DAYS: 7,
    DynamicDateRange.LAST_14_DAYS: 14,
    DynamicDateRange.LAST_30_DAYS: 30,
    DynamicDateRange.LAST_60_DAYS: 60,
    DynamicDateRange.LAST_90_DAYS: 90,
}


def instant_of(date: DynamicDate, now: datetime) -> datetime:
    """Return the instant; yesterday is this time of day."""
    return now if date is DynamicDate.NOW else now - _DAY


def range_of(
    chosen: DynamicDateRange, now: datetime, first_weekday: int = 1
) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a range, which is in it.

    Args:
        chosen: Which one.
        now: What it counts from.
        first_weekday: Of a week: 1 is Monday, 6 Saturday, 0 and 7 are Sunday.
    """
    if chosen in _HOURS:
        return now - timedelta(hours=_HOURS[chosen]), now
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if chosen in _DAYS:
        return today - _DAYS[chosen] * _DAY, _last(today + _DAY)
    week = today - (today.isoweekday() - first_weekday) % 7 * _DAY
    month, year = today.replace(day=1), today.replace(month=1, day=1)
    match chosen:
        case DynamicDateRange.TODAY:
            start, end = today, today + _DAY
        case DynamicDateRange.YESTERDAY:
            start, end = today - _DAY, today
        case DynamicDateRange.THIS_WEEK:
            start, end = week, week + 7 * _DAY
        case DynamicDateRange.LAST_WEEK:
            start, end = week - 7 * _DAY, week
        case DynamicDateRange.THIS_MONTH:
            start, end = month, (month + 31 * _DAY).replace(day=1)
        case DynamicDateRange.LAST_MONTH:
            start, end = (month - _DAY).replace(day=1), month
        case DynamicDateRange.THIS_YEAR:
            start, end = year, year.replace(year=year.year + 1)
        case DynamicDateRange.LAST_YEAR:
            start, end = year.replace(year=year.year - 1), year
        case _:
            # A year back; of 29 February, 28 February.
            day = min(today.day, 28) if today.month == 2 else today.day
            start, end = today.replace(year=today.year - 1, day=day), today + _DAY
    return start, _last(end)


def _last(end: datetime) -> datetime:
    return end - timedelta(microseconds=1)
