"""Page tokens: opaque to clients, a small JSON object to us."""

import base64
import json
from typing import Any, cast

from spec.errors import Invalid


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
