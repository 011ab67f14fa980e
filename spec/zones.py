"""Time zones by the names that Databricks takes: Java's.

A name is a region of the tz database ("Europe/Berlin"), one of Java's old three-letter names
(`java.time.ZoneId.SHORT_IDS`), or a fixed "GMT+05:30" (`java.util.TimeZone`, custom ids). Java
reads a name that it does not know as GMT without a word; here it is an error.
"""

import re
from datetime import timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from spec.errors import Invalid

_SHORT = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}
_FIXED = re.compile(r"GMT([+-])(\d{1,2})(?::?([0-5]\d))?")
_NOT_REGIONS = ("posix/", "right/", "posixrules", "localtime", "Factory")


class BadZone(Invalid, ValueError):
    """A time zone's name is unknown; also a `ValueError`, so that models can raise it."""


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """Return the time zone of a name.

    Raises:
        BadZone: there is none; the message names near ones.
    """
    fixed = _FIXED.fullmatch(name)
    if fixed and int(fixed[2]) < 24:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
        return timezone(-offset if fixed[1] == "-" else offset, name)
    if name and not name.startswith(_NOT_REGIONS):
        try:
            return ZoneInfo(_SHORT.get(name, name))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # OSError: the name of a folder, such as "Europe".
    raise BadZone(f"there is no time zone '{name}'; {_advice(name)}")


def _advice(name: str) -> str:
    known = {zone.casefold(): zone for zone in available_timezones()}
    near = get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
    if not near:  # A city alone, or a word of its own such as "Eastern".
        near = [key for key in sorted(known) if name and name.casefold() in key.split("/")][:1]
    if near:
        return f"did you mean '{known[near[0]]}'?"
    return "write a region such as 'Europe/Berlin', or 'UTC'"
