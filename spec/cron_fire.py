"""The next instant of a Quartz cron expression in a time zone.

A transcription of `CronExpression.getTimeAfter` of Quartz 2.5, step by step, for what it does at
daylight-saving changes and short months follows from the order of its steps and from Java's
lenient calendar beneath it, and people's schedules rely on it:

- An hour that a change skips does not fire that day: "0 30 2 * * ?" misses one day a year.
- A wall time that occurs twice fires once, at the later one; so does every minute of that hour.

The nearest weekday (`15W`) alone follows its documentation and Quartz 2.4 instead: 2.5.0 and 2.5.1
miss months, and 2.5.2 misses times of that day when there are several.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice

from spec.cron import FIRST_YEAR, LAST_YEAR, Cron, DayRule
from spec.zones import zone_of

_SATURDAY, _SUNDAY = 6, 7
_BEFORE_ALL = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - timedelta(days=2)


def next_fire(cron: Cron, after: datetime, zone: str) -> datetime | None:
    """Return the first instant later than `after` at which the expression fires.

    Args:
        cron: From `parse_cron`.
        after: Aware; fractions of a second are dropped.
        zone: The time zone whose wall clock the expression speaks of; see `spec.zones`.

    Returns:
        An instant in UTC, on a full second; None when there is none up to the year 2099.

    Raises:
        BadZone: there is no such time zone.
    """
    tz = zone_of(zone)
    if after.year > LAST_YEAR:
        return None
    start = max(after, _BEFORE_ALL).astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    search = _Search(cron, _Calendar(start, tz))
    while not search.is_over():
        if search.step():
            return search.calendar.instant()
    return None


def fires(cron: Cron, after: datetime, zone: str) -> Iterator[datetime]:
    """Yield the instants later than `after`, in order, in UTC."""
    at = next_fire(cron, after, zone)
    while at is not None:
        yield at
        at = next_fire(cron, at, zone)


def next_fires(cron: Cron, after: datetime, zone: str, count: int) -> list[datetime]:
    """Return the next instants, at most `count`."""
    return list(islice(fires(cron, after, zone), count))


class _Calendar:
    """What Quartz uses of `java.util.GregorianCalendar`, lenient: fields may overflow.

    Setting fields only notes them; `settle`, which Java does when a field is read, finds the
    instant they mean and the fields of that instant.
    """

    def __init__(self, at: datetime, zone: tzinfo) -> None:
        self._zone = zone
        self._read(at)

    def set(self, **fields: int) -> None:
        """Note new values of fields."""
        for name, value in fields.items():
            setattr(self, name, value)

    def settle(self) -> None:
        """Bring the fields into their ranges, on a wall time that exists."""
        years, month = divmod(self.month - 1, 12)
        wall = datetime(self.year + years, month + 1, 1, tzinfo=self._zone) + timedelta(
            days=self.day - 1, hours=self.hour, minutes=self.minute, seconds=self.second
        )
        # A skipped wall time has its earlier offset here, one that occurs twice its later one.
        offset = min(_offset(wall), _offset(wall.replace(fold=1)))
        self._read(wall.replace(tzinfo=UTC) - offset)

    def instant(self) -> datetime:
        """Return the instant that the fields mean, in UTC."""
        self.settle()
        return self._at

    def weekday(self) -> int:
        """Return the day of week, 1 = Sunday."""
        return self._local.isoweekday() % 7 + 1

    def _read(self, at: datetime) -> None:
        self._at = at
        self._local = local = at.astimezone(self._zone)
        self.year, self.month, self.day = local.year, local.month, local.day
        self.hour, self.minute, self.second = local.hour, local.minute, local.second


def _offset(wall: datetime) -> timedelta:
    return wall.utcoffset() or timedelta()


class _Search:
    """One search: steps that each bring the calendar nearer, from seconds up to years.

    A rule that moves its field begins anew below; a step after which none had to move has found
    the instant.
    """

    def __init__(self, cron: Cron, calendar: _Calendar) -> None:
        self.cron, self.calendar = cron, calendar

    def is_over(self) -> bool:
        """Tell whether the years have run out."""
        return self.calendar.year > LAST_YEAR

    def step(self) -> bool:
        """Move on; tell whether the calendar stands on a fire time."""
        self._to_second()
        return not (
            self._to_minute()
            or self._to_hour()
            or self._to_day()
            or self._to_month()
            or self._to_year()
        )

    def _to_second(self) -> None:
        calendar, second = self.calendar, _ceiling(self.cron.seconds, self.calendar.second)
        if second is None:
            second = self.cron.seconds[0]
            calendar.set(minute=calendar.minute + 1)
        calendar.set(second=second)
        calendar.settle()

    def _to_minute(self) -> bool:
        calendar, hour = self.calendar, self.calendar.hour
        minute = _ceiling(self.cron.minutes, calendar.minute)
        if minute == calendar.minute:
            calendar.settle()
            return False
        if minute is None:
            minute, hour = self.cron.minutes[0], hour + 1
        calendar.set(second=0, minute=minute)
        self._set_hour(hour)
        return True

    def _to_hour(self) -> bool:
        calendar, day = self.calendar, self.calendar.day
        hour = _ceiling(self.cron.hours, calendar.hour)
        if hour == calendar.hour:
            calendar.settle()
            return False
        if hour is None:
            hour, day = self.cron.hours[0], day + 1
        calendar.set(second=0, minute=0, day=day)
        self._set_hour(hour)
        return True

    def _set_hour(self, hour: int) -> None:
        """Set the hour; where the zone skips it, the one after it (`setCalendarHour`)."""
        self.calendar.set(hour=hour)
        self.calendar.settle()
        if self.calendar.hour != hour and hour != 24:
            self.calendar.set(hour=hour + 1)
            self.calendar.settle()

    def _to_day(self) -> bool:
        calendar, cron = self.calendar, self.cron
        if not cron.weekdays:
            day, month = self._day_of_month()
        elif cron.is_last:
            day, month = self._last_weekday()
        elif cron.nth:
            day, month = self._nth_weekday()
        else:
            day, month = self._next_weekday()
        if (day, month) == (calendar.day, calendar.month):
            calendar.settle()
            return False
        calendar.set(second=0, minute=0, hour=0, day=day, month=month)
        calendar.settle()
        return True

    def _day_of_month(self) -> tuple[int, int]:
        calendar, last = self.calendar, self._last_day()
        near = self._nearest_weekday(last)
        day = _first_day(self.cron.days, calendar.day, last)
        if near is not None and (day is None or near < day):
            day = near
        return (1, calendar.month + 1) if day is None else (day, calendar.month)

    def _nearest_weekday(self, last: int) -> int | None:
        """Return the first day, from today on, that is the weekday nearest to a wanted one."""
        calendar, rule = self.calendar, self.cron.near
        wanted = [*rule.days, *(last - back for back in rule.before_last)]
        found: list[int] = []
        for day in wanted:
            if 1 <= day <= last:
                weekday = date(calendar.year, calendar.month, day).isoweekday()
                if weekday == _SATURDAY:
                    day += 2 if day == 1 else -1
                elif weekday == _SUNDAY:
                    day += -2 if day == last else 1
                found.append(day)
        return min((day for day in found if day >= calendar.day), default=None)

    def _next_weekday(self) -> tuple[int, int]:
        weekdays, today = self.cron.weekdays, self.calendar.weekday()
        wanted = _ceiling(weekdays, today)
        day = self.calendar.day + ((weekdays[0] if wanted is None else wanted) - today) % 7
        return self._in_month(day)

    def _last_weekday(self) -> tuple[int, int]:
        day = self.calendar.day + (self.cron.weekdays[0] - self.calendar.weekday()) % 7
        last = self._last_day()
        return self._in_month(day + max(0, last - day) // 7 * 7)

    def _nth_weekday(self) -> tuple[int, int]:
        day = self.calendar.day + (self.cron.weekdays[0] - self.calendar.weekday()) % 7
        weeks = self.cron.nth - (day + 6) // 7
        return self._in_month(day + weeks * 7) if weeks >= 0 else (1, self.calendar.month + 1)

    def _in_month(self, day: int) -> tuple[int, int]:
        """Return the day of this month, or the next month's first when this one is too short."""
        month = self.calendar.month
        return (day, month) if day <= self._last_day() else (1, month + 1)

    def _last_day(self) -> int:
        year, month = self.calendar.year, self.calendar.month
        return (datetime(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day

    def _to_month(self) -> bool:
        calendar, year = self.calendar, self.calendar.year
        month = _ceiling(self.cron.months, calendar.month)
        if month == calendar.month:
            calendar.settle()
            return False
        if month is None:
            month, year = self.cron.months[0], year + 1
        calendar.set(second=0, minute=0, hour=0, day=1, month=month, year=year)
        calendar.settle()
        return True

    def _to_year(self) -> bool:
        calendar = self.calendar
        year = _ceiling(self.cron.years, calendar.year)
        if year == calendar.year:
            return False
        # Past the last year the search is over, which `is_over` sees.
        year = LAST_YEAR + 1 if year is None else year
        calendar.set(second=0, minute=0, hour=0, day=1, month=1, year=year)
        calendar.settle()
        return True


def _ceiling(values: Sequence[int], value: int) -> int | None:
    """Return the first of the ascending values that is not below `value`."""
    place = bisect_left(values, value)
    return values[place] if place < len(values) else None


def _first_day(rule: DayRule, day: int, last: int) -> int | None:
    """Return the rule's first day from `day` on, in a month of `last` days (`findSmallestDay`)."""
    from_end = next((last - back for back in rule.before_last if last - back >= day), None)
    from_start = _ceiling(rule.days, day)
    # Quartz compares as if the month had 31 days.
    if from_start is not None and from_start <= last:
        if from_end is None or from_start < from_end + 31 - last:
            return from_start
    return from_end
