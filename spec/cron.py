"""Quartz cron expressions, as Databricks' `quartz_cron_expression` takes them.

Six or seven fields: seconds, minutes, hours, day of month, month, day of week, year. They read as
in Quartz 2.5 (`org.quartz.CronExpression`), whose code is the oracle of the tests: weekdays count
from 1 = Sunday, ranges may wrap (22-2, FRI-MON), and exactly one of the two day fields is `?`.

What Quartz accepts but silently ignores is refused here with what to write instead: a step or
other text behind a name (`MON-FRI/2`, `MONDAY`), text behind `L`, `W`, `#` and `?`, a step of 0,
and days that stand beside a `6#3`. Years end with 2099, as Quartz documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from spec.errors import Invalid

FIRST_YEAR, LAST_YEAR = 1970, 2099
MAX_OFFSET = 30
"""`L-30` is the farthest that a day may lie before the last one."""

_MONTHS = ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC").split()
_WEEKDAYS = ("SUN MON TUE WED THU FRI SAT").split()


class BadCron(Invalid, ValueError):
    """A cron expression is wrong; also a `ValueError`, so that models can raise it."""


@dataclass(frozen=True, slots=True)
class DayRule:
    """Days of a month, counted from its start and from its end."""

    days: tuple[int, ...] = ()
    """1 to 31, ascending."""
    before_last: tuple[int, ...] = ()
    """0 for the last day, 3 for `L-3`; descending, so that earlier days come first."""

    def __bool__(self) -> bool:
        """Tell whether there is any day."""
        return bool(self.days or self.before_last)


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression; every tuple is ascending and, the day rules aside, not empty."""

    expression: str
    """As it was written, trimmed."""
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: DayRule
    """Both day rules are empty when the weekdays decide."""
    near: DayRule
    """The weekday nearest to these days (`15W`, `LW`)."""
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """1 = Sunday; empty when the days of the month decide."""
    nth: int
    """3 for the third of that weekday in a month (`6#3`); 0 for every one."""
    is_last: bool
    """The last of that weekday in a month (`6L`)."""
    years: tuple[int, ...]


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: Mapping[str, int]
    """Names of values."""
    max_step: int
    wraps: bool = True

    def refuse(self, text: str, why: str) -> BadCron:
        return BadCron(f"the field {self.name} is '{text}': {why}")

    @property
    def span(self) -> str:
        if not self.words:
            return f"{self.low} to {self.high}"
        names = list(self.words)
        return f"{self.low} to {self.high} or {names[0]} to {names[-1]}"


_SECONDS = _Field("seconds", 0, 59, {}, 59)
_MINUTES = _Field("minutes", 0, 59, {}, 59)
_HOURS = _Field("hours", 0, 23, {}, 23)
_DAY = _Field("day of month", 1, 31, {}, 31)
_MONTH = _Field("month", 1, 12, {name: i + 1 for i, name in enumerate(_MONTHS)}, 12)
_WEEKDAY = _Field("day of week", 1, 7, {name: i + 1 for i, name in enumerate(_WEEKDAYS)}, 7)
_YEAR = _Field("year", FIRST_YEAR, LAST_YEAR, {}, LAST_YEAR, wraps=False)
_FIELDS = "seconds minutes hours day-of-month month day-of-week, and perhaps year"


@lru_cache(maxsize=1024)
def parse_cron(expression: str) -> Cron:
    """Read a Quartz expression.

    Raises:
        BadCron: it is wrong; the message names the field, the reason and what to write.
    """
    words = expression.split()
    if not 6 <= len(words) <= 7:
        raise BadCron(_wrong_count(expression, words))
    second, minute, hour, day, month, weekday, *year = (word.upper() for word in words)
    if (day == "?") == (weekday == "?"):
        raise BadCron(_both_days(words))
    days, near = (DayRule(), DayRule()) if day == "?" else _days(day)
    weekdays, nth, is_last = ((), 0, False) if weekday == "?" else _weekdays(weekday)
    return Cron(
        expression=expression.strip(),
        seconds=_values(_SECONDS, second),
        minutes=_values(_MINUTES, minute),
        hours=_values(_HOURS, hour),
        days=days,
        near=near,
        months=_values(_MONTH, month),
        weekdays=weekdays,
        nth=nth,
        is_last=is_last,
        years=_values(_YEAR, year[0] if year else "*"),
    )


def _wrong_count(expression: str, words: list[str]) -> str:
    text = f"'{expression}' has {len(words)} field{'' if len(words) == 1 else 's'}"
    if len(words) == 5:
        text += ", as Unix cron has"
    text += f"; Quartz wants 6 or 7: {_FIELDS}"
    if len(words) == 5 and words[4] == "*":
        return f"{text}; write '0 {' '.join(words[:4])} ?'"
    if len(words) == 5 and words[2] == "*" and not re.search(r"\d", words[4]):
        return f"{text}; write '0 {words[0]} {words[1]} ? {words[3]} {words[4]}'"
    return f"{text}; for example '0 0 6 ? * MON-FRI' for every weekday at 06:00"


def _both_days(words: list[str]) -> str:
    text = "exactly one of day of month and day of week must be '?'"
    day, weekday = words[3], words[5]
    if day == weekday == "?":
        return f"{text}, and both are; write '*' for one of them to mean every day"
    spare = 3 if day == "*" and weekday != "*" else 5
    if day != "*" and weekday != "*":
        return f"{text}, and neither is: day of month is '{day}', day of week is '{weekday}'"
    fixed = " ".join("?" if i == spare else word for i, word in enumerate(words))
    return f"{text}, and neither is; write '{fixed}'"


def _values(field: _Field, text: str) -> tuple[int, ...]:
    """Return the values that a list of `*`, numbers, names, ranges and steps stands for."""
    values: set[int] = set()
    for item in text.split(","):
        values |= _item(field, item, text)
    return tuple(sorted(values))


_ITEM = re.compile(r"(?:\*?|(\w+)(?:-(\w+))?)(?:/(\d+))?")


def _item(field: _Field, item: str, text: str) -> set[int]:
    match = _ITEM.fullmatch(item)
    if not item or not match:
        raise field.refuse(text, _advice(field, item))
    first, last, step_text = match.groups()
    step = int(step_text or 1)
    if first is None:
        start, stop = field.low, field.high
    else:
        start = _number(field, first, text)
        stop = _number(field, last, text) if last else field.high if step_text else start
        if last and first.isdigit() != last.isdigit():
            raise field.refuse(text, f"write the ends of '{item}' both as numbers or both as names")
        if step_text and not first.isdigit():
            raise field.refuse(text, _named_step(field, item, start, stop if last else None, step))
    if step < 1 or (step > field.max_step and not last):
        raise field.refuse(text, f"the step of '{item}' must be between 1 and {field.max_step}")
    if stop < start:
        if not field.wraps:
            raise field.refuse(text, f"'{item}' ends before it starts; turn it round")
        stop += field.high - field.low + 1
    size = field.high - field.low + 1
    return {(value - field.low) % size + field.low for value in range(start, stop + 1, step)}


def _named_step(field: _Field, item: str, start: int, stop: int | None, step: int) -> str:
    numbers = f"{start}/{step}" if stop is None else f"{start}-{stop}/{step}"
    return f"Quartz ignores the step of '{item}'; write the {field.name} in numbers: {numbers}"


def _number(field: _Field, text: str, whole: str) -> int:
    if text in field.words:
        return field.words[text]
    if not text.isdecimal() or not text.isascii():
        raise field.refuse(whole, _advice(field, text))
    if not field.low <= int(text) <= field.high:
        hint = ""
        if field is _WEEKDAY and int(text) == 0:
            hint = "; weekdays count from 1 = SUN"
        raise field.refuse(whole, f"{text} is not within {field.span}{hint}")
    return int(text)


def _advice(field: _Field, item: str) -> str:
    """Say what is wrong with a part that cannot be read."""
    if not item:
        return "there is nothing between or beside its commas; remove the spare one"
    if "?" in item:
        return "'?' stands alone, and only for the day of month or the day of week"
    if item[:3] in field.words and item[3:].isalpha() and not item.endswith("L"):
        return f"write '{item[:3]}' instead of '{item}'"
    if re.search(r"[LW#]", item) and not field.words and field is not _DAY:
        return f"'{item}' is a rule for days; write values within {field.span}"
    return f"'{item}' is not a value, a range or a step of values within {field.span}"


def _days(text: str) -> tuple[DayRule, DayRule]:
    """Read the day of month: the days themselves, and those whose nearest weekday is meant."""
    plain: set[int] = set()
    near: set[int] = set()
    plain_last: set[int] = set()
    near_last: set[int] = set()
    for item in text.split(","):
        if last := re.fullmatch(r"L(?:-(\d+))?(W?)", item):
            offset = int(last[1] or 0)
            if offset > MAX_OFFSET:
                raise _DAY.refuse(text, f"'{item}' lies more than {MAX_OFFSET} days before the end")
            (near_last if last[2] else plain_last).add(offset)
        elif nearest := re.fullmatch(r"(\d+)W", item):
            near.add(_number(_DAY, nearest[1], text))
        elif re.search("[LW]", item):
            hint = "'L', 'L-3', 'LW', 'L-3W' or '15W', each for one day"
            raise _DAY.refuse(text, f"'{item}' is unknown; write {hint}")
        else:
            plain |= _item(_DAY, item, text)
    return _rule(plain, plain_last), _rule(near, near_last)


def _rule(days: set[int], before_last: set[int]) -> DayRule:
    return DayRule(tuple(sorted(days)), tuple(sorted(before_last, reverse=True)))


def _weekdays(text: str) -> tuple[tuple[int, ...], int, bool]:
    """Read the day of week: the weekdays, which of them in a month, whether the last."""
    if text == "L":
        return (7,), 0, False
    if not re.search("[L#]", text):
        return _values(_WEEKDAY, text), 0, False
    rule = re.fullmatch(r"(\w+?)(?:#(\d+)|L)", text)
    if "," in text or not rule:
        shown = "'6L' (the last Friday) or '6#3' (the third Friday)"
        raise _WEEKDAY.refuse(text, f"a rule with 'L' or '#' stands alone and reads {shown}")
    weekday = _number(_WEEKDAY, rule[1], text)
    if rule[2] is None:
        return (weekday,), 0, True
    if not 1 <= int(rule[2]) <= 5:
        raise _WEEKDAY.refuse(text, "a number from 1 to 5 must follow the '#'")
    return (weekday,), int(rule[2]), False
