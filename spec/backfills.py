"""Backfills: which logical dates a range has, and what a run of one of them is given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from spec.cron import parse_cron
from spec.cron_fire import fires
from spec.errors import Invalid
from spec.reference_names import INSTANT_MEMBERS
from spec.references import REFERENCE, find, instant_member, split
from spec.schedules import CronSchedule
from spec.zones import zone_of

MOST_DATES = 10_000
BY_SCHEDULE = "schedule"
"""In place of an interval: the instants of the job's own schedule."""

_EVERY = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Range:
    """The logical dates that a backfill is to have."""

    first: datetime
    last: datetime
    """Both included."""
    every: str
    """`1d`, `6h`, `30m`, `1w`, or `BY_SCHEDULE`."""
    zone: str = "UTC"
    """Whose midnights days and weeks are counted in."""
    schedule: CronSchedule | None = None

    def dates(self) -> list[datetime]:
        """Return the dates in order, in UTC.

        Raises:
            Invalid: there is none, or more than a backfill may have.
        """
        found = list(islice(self._dates(), MOST_DATES + 1))
        span = f"from {self.first.isoformat()} to {self.last.isoformat()}"
        if not found:
            raise Invalid(f"there is no logical date {span}; widen the range")
        if len(found) > MOST_DATES:
            raise Invalid(
                f"there are more than {MOST_DATES} logical dates {span}; run the range in parts, or"
                " with a longer interval"
            )
        return found

    def _dates(self) -> Iterator[datetime]:
        if self.every == BY_SCHEDULE:
            if self.schedule is None:
                raise Invalid("the job has no Quartz schedule to go by; say how often: every 1d")
            cron = parse_cron(self.schedule.quartz_cron_expression)
            before = self.first - timedelta(microseconds=1)
            for at in fires(cron, before, self.schedule.timezone_id):
                if at > self.last:
                    return
                yield at
            return
        number, unit = parse_every(self.every)
        zone, at, count = zone_of(self.zone), self.first, 0
        while at <= self.last:
            yield at.astimezone(UTC)
            count += 1
            step = timedelta(**{_UNITS[unit]: number}) * count
            # Days are the calendar's, which may have 23 or 25 hours; hours are hours.
            if unit in "dw":
                at = (self.first.astimezone(zone) + step).astimezone(UTC)
            else:
                at = self.first + step


def parse_every(text: str) -> tuple[int, str]:
    """Return number and unit (m, h, d, w) of an interval.

    Raises:
        Invalid: it is none.
    """
    match = _EVERY.fullmatch(text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise Invalid(
            f"'{text}' is no interval; write 30m, 6h, 1d or 1w, or '{BY_SCHEDULE}' to go by the"
            " job's own"
        )
    return int(match[1]), match[2]


def parse_bound(text: str, zone: str, *, is_last: bool) -> datetime:
    """Return one end of a range, in UTC; a date alone is the whole day, to its last second.

    Raises:
        Invalid: it is neither a date nor a time.
    """
    tz = zone_of(zone)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            clock = time(23, 59, 59) if is_last else time()
            return datetime.combine(date.fromisoformat(text), clock, tz).astimezone(UTC)
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"'{text}' is no date; write 2026-01-31 or 2026-01-31T06:00") from None


def check_parameters(parameters: Mapping[str, str]) -> None:
    """Check the references of a backfill's parameters.

    Raises:
        Invalid: one names no member of the logical date.
    """
    for name, text in parameters.items():
        for parts in find(text):
            if parts[0] == "backfill" and (len(parts) != 2 or parts[1] not in INSTANT_MEMBERS):
                known = ", ".join(f"backfill.{member}" for member in INSTANT_MEMBERS)
                raise Invalid(
                    f"parameter '{name}': '{{{{{'.'.join(parts)}}}}}' is no reference; known are"
                    f" {known}"
                )


def parameters_at(parameters: Mapping[str, str], at: datetime) -> dict[str, str]:
    """Return the job parameters of the run of one logical date; other references stay."""

    def replace(found: re.Match[str]) -> str:
        parts = split(found.group(1))
        if len(parts) != 2 or parts[0] != "backfill":
            return found.group(0)
        value = instant_member(at.astimezone(UTC), parts[1])
        return found.group(0) if value is None else value

    return {name: REFERENCE.sub(replace, text) for name, text in parameters.items()}
