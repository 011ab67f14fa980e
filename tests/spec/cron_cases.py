"""Makes questions for Quartz: expressions of every form, zones, and starts around clock changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

# Zones whose future changes are not a rule (Gaza, Casablanca: Ramadan) are left out, for Java
# knows them up to 2037 only.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",  # its winter time is the "daylight saving"
    "Europe/Istanbul",
    "Europe/Moscow",  # changed its standard time, 2011 and 2014
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",  # changed at 00:01 until 2011
    "America/Sao_Paulo",  # changed at midnight until 2019
    "America/Havana",
    "America/Asuncion",
    "America/Santiago",
    "America/Caracas",  # a half-hour change without daylight saving
    "America/Nuuk",
    "Africa/Cairo",
    "Africa/Monrovia",  # an offset of seconds until 1972
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Beirut",
    "Asia/Pyongyang",
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # changes by half an hour
    "Australia/Sydney",
    "Antarctica/Troll",  # changes by two hours
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kwajalein",  # had no 21 August 1993
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
WITHOUT_A_DAY = ("Pacific/Apia", "Pacific/Kwajalein", "Pacific/Kiritimati")
"""Quartz takes the day that they left out for another weekday than the calendar does."""
MONTHS: Sequence[str] = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS: Sequence[str] = "SUN MON TUE WED THU FRI SAT".split()


@dataclass(frozen=True)
class Question:
    """What is asked of Quartz and of ours."""

    expression: str
    zone: str
    start: datetime


def questions(seed: int, count: int) -> Iterator[Question]:
    """Yield generated questions, the same ones for the same seed."""
    random = Random(seed)
    for _ in range(count):
        zone, text = random.choice(ZONES), expression(random)
        if zone in WITHOUT_A_DAY and "W" in text.upper():
            zone = "Asia/Tokyo"
        yield Question(text, zone, start(random, zone))


def start(random: Random, zone: str) -> datetime:
    """Return an instant, more often than not near a clock change, a month's or a year's end."""
    kind = random.random()
    if kind < 0.5 and changes(zone):
        return random.choice(changes(zone)) + timedelta(seconds=random.randint(-90_000, 10_000))
    year, month = random.randint(1970, 2060), random.randint(1, 12)
    if kind < 0.7:
        turn = datetime(year, month, 1, tzinfo=UTC)
        return turn + timedelta(seconds=random.randint(0, 2 * 86_400) - 86_400 * (year > 1970))
    return datetime(year, month, 1, tzinfo=UTC) + timedelta(seconds=random.randint(0, 2_600_000))


@cache
def changes(zone: str) -> list[datetime]:
    """Return the zone's clock changes from 1970 to 2060, to the hour or finer."""
    info, found = ZoneInfo(zone), list[datetime]()
    day = datetime(1970, 1, 2, tzinfo=UTC)
    while day.year < 2060:
        after = day + timedelta(days=1)
        if _offset(info, day) != _offset(info, after):
            low, high = day, after
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                if _offset(info, middle) == _offset(info, day):
                    low = middle
                else:
                    high = middle
            found.append(high.replace(second=0, microsecond=0))
        day = after
    return found


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


def expression(random: Random) -> str:
    """Return an expression of any form that Quartz and we both read."""
    day, weekday = ("?", _weekday(random)) if random.random() < 0.45 else (_day(random), "?")
    fields = [
        random.choice(["0", "0", "0", _numbers(random, 0, 59)]),
        random.choice(["0", "30", _numbers(random, 0, 59)]),
        random.choice([str(random.randint(0, 3)), _numbers(random, 0, 23)]),
        day,
        random.choice(["*", "*", _numbers(random, 1, 12, MONTHS)]),
        weekday,
    ]
    if random.random() < 0.25:
        fields.append(_year(random))
    text = random.choice([" ", "  ", "\t"]).join(fields)
    return text.lower() if random.random() < 0.1 else text


def _numbers(random: Random, low: int, high: int, names: Sequence[str] = ()) -> str:
    def one() -> str:
        first, last = random.randint(low, high), random.randint(low, high)
        step = random.randint(1, high if high < 59 else 59)
        step = min(step, 23) if high == 23 else step
        forms = ["*", f"*/{step}", f"/{step}", f"{first}/{step}", f"{first}-{last}"]
        forms += [f"{first}-{last}/{step}", *[str(first)] * 4]
        if names:
            forms += [names[first - 1]] * 3 + [f"{names[first - 1]}-{names[last - 1]}"] * 2
        return random.choice(forms)

    return ",".join(one() for _ in range(random.choice([1, 1, 1, 2, 3])))


def _day(random: Random) -> str:
    def one() -> str:
        day, offset = random.randint(1, 31), random.choice([0, 1, 2, 3, 5, 15, 30])
        # Quartz 2.4 does not see when a month is too short for a `W`; ours passes over it.
        near = f"L-{min(offset, 27)}W", f"{min(day, 28)}W"
        rules = ["L", f"L-{offset}", "LW", *near]
        return random.choice([*rules, str(day), _numbers(random, 1, 31)])

    return ",".join(one() for _ in range(random.choice([1, 1, 1, 2, 3])))


def _weekday(random: Random) -> str:
    number = random.randint(1, 7)
    day = random.choice([str(number), WEEKDAYS[number - 1]])
    rules = ["L", f"{day}L", f"{day}#{random.randint(1, 5)}", f"{day}#{random.randint(1, 5)}"]
    return random.choice([*rules, *(_numbers(random, 1, 7, WEEKDAYS) for _ in range(4))])


def _year(random: Random) -> str:
    first = random.randint(1970, 2060)
    last = random.randint(first, 2065)
    step = random.randint(1, 9)
    return random.choice(
        [str(last), f"{first}-{last}", f"{first},{last}", f"{first}/{step}", "*", f"*/{step}"]
    )


def mistake(random: Random) -> str:
    """Return an expression with one character put in, taken out or replaced: often a wrong one."""
    text = expression(random).upper()
    at = random.randrange(len(text))
    other = random.choice(
        ["?", "*", ",", "-", "/", "L", "W", "#", *"0123456789", "MON", "JAN", " "]
    )
    return random.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + other + text[at + 1 :],
            text[:at] + other + text[at:],
        ]
    )
