"""Addresses of files and parts that work without a token, for a while.

They lead to this API, at the address by which the client has reached it, not to the object store:
whoever can reach the one may be unable to reach the other.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from control.auth import same_secret
from control.deps import Deps
from spec.errors import Forbidden, Invalid

LIFE_S = 3600
PREFIX = "/api/openlake/1.0/file-transfers"


class Expired(Forbidden):
    """The link's time is over; clients ask for a new one."""


@dataclass(frozen=True)
class Signed:
    """What a link carries besides what it is for."""

    expires: int
    signature: str


def until(expire_time: str | None) -> int:
    """Return when a link is to end, in seconds since 1970: as asked for, in an hour at the latest.

    Raises:
        Invalid: the time is none.
    """
    latest = int(time.time()) + LIFE_S
    if expire_time is None:
        return latest
    try:
        asked = datetime.fromisoformat(expire_time)
    except ValueError:
        raise Invalid(f"expire_time: '{expire_time}' is no time as RFC 3339 writes it") from None
    if asked.tzinfo is None:
        raise Invalid("expire_time: a time zone is missing; end it with Z")
    return min(latest, int(asked.timestamp()))


def link(deps: Deps, base: str, place: str, subject: str, expires: int, **query: str) -> str:
    """Return an address that lets its bearer do one thing.

    Args:
        deps: The collaborators.
        base: How the client reaches this API, e.g. `https://lake.example/`.
        place: The path below `PREFIX`.
        subject: What the link is for; `check` is given the same.
        expires: When it ends, in seconds since 1970.
        query: Further fields of the address.
    """
    signature = _sign(deps, subject, expires)
    fields = urlencode({**query, "expires": expires, "signature": signature})
    return f"{base.rstrip('/')}{PREFIX}{place}?{fields}"


def check(deps: Deps, subject: str, signed: Signed) -> None:
    """Make sure that an address is one of ours and still good.

    Raises:
        Forbidden: it is not ours.
        Expired: its time is over.
    """
    if not same_secret(signed.signature, _sign(deps, subject, signed.expires)):
        raise Forbidden("This link is not one that this server gave out.")
    if signed.expires < time.time():
        raise Expired("Request has expired")


def _sign(deps: Deps, subject: str, expires: int) -> str:
    text = f"files/{subject}/{expires}".encode()
    return hmac.new(deps.access.signing_key.encode(), text, hashlib.sha256).hexdigest()
