"""Says a Quartz cron expression in plain English."""

from collections.abc import Sequence

from spec.cron import LAST_YEAR, Cron, DayRule

_WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_NTH = ("", "first", "second", "third", "fourth", "fifth")
_MANY_TIMES = 6
"""More clock times a day than this are told by their parts."""


def describe(cron: Cron, zone: str) -> str:
    """Return what the expression means, e.g. "every weekday at 06:00 Europe/Berlin".

    The zone is left out where it makes no difference: "every 15 minutes".
    """
    often, often_at = _often(cron)
    days = _days(cron)
    years = _years(cron)
    if often and not often_at and not days and not years:
        return often
    if often:
        text = " ".join(part for part in (often, often_at, days, years) if part)
    else:
        text = f"{' '.join(part for part in (days or 'every day', years) if part)} at {_at(cron)}"
    return f"{text} {zone}"


def _often(cron: Cron) -> tuple[str, str]:
    """Return the frequency within a day and the hours it holds for; two blanks when irregular."""
    hours = _within(cron.hours)
    if cron.seconds == tuple(range(60)):
        return ("every second", hours) if _is_all(cron.minutes, 60) else ("", "")
    if step := _step(cron.seconds, 60):
        return (f"every {step} seconds", hours) if _is_all(cron.minutes, 60) else ("", "")
    if cron.seconds != (0,):
        return "", ""
    if _is_all(cron.minutes, 60):
        return "every minute", hours
    if step := _step(cron.minutes, 60):
        return f"every {step} minutes", hours
    if len(cron.minutes) == 1:
        past = f" at {cron.minutes[0]} min past" if cron.minutes[0] else ""
        if _is_all(cron.hours, 24):
            return f"every hour{past}", ""
        if (step := _step(cron.hours, 24)) and len(cron.hours) > 2:
            return f"every {step} hours{past}", "from midnight"
        if len(cron.hours) > 2 and hours.startswith("from"):
            return f"every hour{past}", f"from {cron.hours[0]:02}:00 to {cron.hours[-1]:02}:00"
    return "", ""


def _step(values: Sequence[int], size: int) -> int:
    """Return n when the values are every n-th from 0 and n divides the whole; else 0."""
    if len(values) < 2 or values[0] != 0:
        return 0
    step = values[1]
    return step if size % step == 0 and tuple(values) == tuple(range(0, size, step)) else 0


def _is_all(values: Sequence[int], size: int) -> bool:
    return len(values) == size


def _within(hours: Sequence[int]) -> str:
    if _is_all(hours, 24):
        return ""
    if len(hours) == hours[-1] - hours[0] + 1:
        return f"from {hours[0]:02}:00 to {hours[-1]:02}:59"
    return f"in the hours {_and([str(hour) for hour in hours])}"


def _at(cron: Cron) -> str:
    """Return the clock times, or what the clock must show when they are many."""
    if len(cron.hours) * len(cron.minutes) * len(cron.seconds) <= _MANY_TIMES:
        return _and(
            [
                f"{hour:02}:{minute:02}" + (f":{second:02}" if cron.seconds != (0,) else "")
                for hour in cron.hours
                for minute in cron.minutes
                for second in cron.seconds
            ]
        )
    hour = "every hour" if _is_all(cron.hours, 24) else _values("hour", cron.hours)
    text = f"{_values('minute', cron.minutes)} of {hour}"
    return text if cron.seconds == (0,) else f"{_values('second', cron.seconds)} of {text}"


def _values(name: str, values: Sequence[int]) -> str:
    if len(values) == 60:
        return f"every {name}"
    return f"{name}{'s' if len(values) > 1 else ''} {_and([str(value) for value in values])}"


def _days(cron: Cron) -> str:
    """Return which days; blank for every day of the year."""
    months = "" if _is_all(cron.months, 12) else _and([_MONTHS[m - 1] for m in cron.months])
    if cron.weekdays and not cron.nth and not cron.is_last:
        return _every_weekday(cron.weekdays, months)
    if cron.weekdays:
        which = "last" if cron.is_last else _NTH[cron.nth]
        return f"on the {which} {_WEEKDAYS[cron.weekdays[0] - 1]} of {months or 'every month'}"
    if len(cron.days.days) == 31:
        return f"every day in {months}" if months else ""
    parts = [*_month_days(cron.days), *(f"the weekday nearest {d}" for d in _month_days(cron.near))]
    parts = [part.replace("the weekday nearest the last day", "the last weekday") for part in parts]
    return f"on {_and(parts)} of {months or 'every month'}"


def _every_weekday(weekdays: tuple[int, ...], months: str) -> str:
    inside = f" in {months}" if months else ""
    if len(weekdays) == 7:
        return f"every day{inside}" if months else ""
    if weekdays == (2, 3, 4, 5, 6):
        return f"every weekday{inside}"
    # From Monday on, as people list them; 1 = Sunday comes last.
    ordered = sorted(weekdays, key=lambda day: (day - 2) % 7)
    return f"every {_and([_WEEKDAYS[day - 1] for day in ordered])}{inside}"


def _month_days(rule: DayRule) -> list[str]:
    parts = [f"day {_and([str(day) for day in rule.days])}"] if rule.days else []
    for back in rule.before_last:
        if back:
            parts.append(f"the {_ordinal(back)} day before the last")
        else:
            parts.append("the last day")
    return parts


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number in (11, 12, 13) else ending}"


def _years(cron: Cron) -> str:
    first, last, count = cron.years[0], cron.years[-1], len(cron.years)
    if count == last - first + 1 and count > 1:
        if last == LAST_YEAR:
            return "" if first == 1970 else f"from {first} on"
        return f"from {first} to {last}"
    if count > _MANY_TIMES:
        return f"in {count} of the years from {first} to {last}"
    return f"in {_and([str(year) for year in cron.years])}"


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
