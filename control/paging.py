"""Page tokens: opaque to clients, a small JSON object to us."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from spec.errors import Invalid

Row = TypeVar("Row")


def encode(**place: Any) -> str:
    """Return the token of a place in a list."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(token: str | None) -> dict[str, Any]:
    """Return the place a token stands for; nothing for no (or an empty) token.

    Raises:
        Invalid: we did not make this token.
    """
    if not token:
        return {}
    try:
        padded = token + "=" * (-len(token) % 4)
        place = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        raise Invalid("'page_token' is not one that this server gave out.") from None
    if not isinstance(place, dict):
        raise Invalid("'page_token' is not one that this server gave out.")
    return cast(dict[str, Any], place)


def integer(place: dict[str, Any], name: str) -> int | None:
    """Return a number of a decoded token; None when it is not there.

    Raises:
        Invalid: it is no number.
    """
    value = place.get(name)
    if value is None or isinstance(value, int):
        return value
    raise Invalid("'page_token' is not one that this server gave out.")


@dataclass(frozen=True)
class Place:
    """Where a page of a list begins, which shows the newest rows first."""

    below: int | None = None
    """Rows with smaller ids: going on."""
    above: int | None = None
    """Rows with greater ids: going back."""

    @property
    def is_start(self) -> bool:
        """True on the first page."""
        return self.below is None and self.above is None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page and the tokens of its neighbours."""

    rows: list[Row]
    next_token: str | None
    previous_token: str | None


def place_of(token: str | None) -> Place:
    """Return where a list goes on.

    Raises:
        Invalid: we did not make this token.
    """
    decoded = decode(token)
    return Place(below=integer(decoded, "below"), above=integer(decoded, "above"))


def cut(rows: list[Row], limit: int, place: Place, id_of: Callable[[Row], int]) -> Page[Row]:
    """Make a page of up to `limit + 1` rows that were read, newest first.

    The surplus row says that there is more: older rows when going on, newer ones when going back.
    """
    more, back = len(rows) > limit, place.above is not None
    shown = rows[-limit:] if back else rows[:limit]
    older, newer = back or more, (more if back else not place.is_start)
    return Page(
        rows=shown,
        next_token=encode(below=id_of(shown[-1])) if older and shown else None,
        previous_token=encode(above=id_of(shown[0])) if newer and shown else None,
    )


def text_below(token: str | None) -> str | None:
    """Return where a list of rows with text ids goes on; None at its start.

    Raises:
        Invalid: we did not make this token.
    """
    below = decode(token).get("below")
    return None if below is None else str(below)


def cut_below(
    rows: list[Row], limit: int, id_of: Callable[[Row], str]
) -> tuple[list[Row], str | None]:
    """Return a page of up to `limit + 1` rows that were read, and the token of what follows."""
    shown = rows[:limit]
    return shown, encode(below=id_of(shown[-1])) if len(rows) > limit else None
