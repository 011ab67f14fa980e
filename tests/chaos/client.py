"""Calls the API as a patient person would: what a dead or drowned server refuses is asked again."""

import time
from contextlib import suppress
from typing import Any

import httpx2

Json = dict[str, Any]

_PAUSE_S = 0.3
_WITHIN_S = 180.0
_AGAIN = frozenset({429, 500, 502, 503, 504})


class Patient:
    """One user of the API.

    Args:
        url: Of the API.
        token: Of the user.
    """

    def __init__(self, url: str, token: str) -> None:
        """See class."""
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
            trust_env=False,
        )

    def ask(self, verb: str, path: str, *, body: Json | None = None, **query: Any) -> Any:
        """Call until there is an answer, and return it: JSON, or text where that is given.

        Only what may be repeated may be called so.

        Raises:
            AssertionError: the API says no, or nothing for minutes.
        """
        end = time.monotonic() + _WITHIN_S
        last = "nothing"
        while time.monotonic() < end:
            try:
                answer = self._http.request(verb, path, json=body, params=query or None)
            except httpx2.HTTPError as error:
                last = repr(error)
            else:
                if answer.is_success:
                    is_json = "json" in answer.headers.get("content-type", "")
                    return answer.json() if is_json else answer.text
                last = f"{answer.status_code}: {answer.text[:300]}"
                assert answer.status_code in _AGAIN, f"{verb} {path}: {last}"
            time.sleep(_PAUSE_S)
        raise AssertionError(f"{verb} {path}: no answer within {_WITHIN_S:.0f} s, last {last}")

    def knock(self, path: str) -> None:
        """Ask once and not for long, whatever comes of it."""
        with suppress(httpx2.HTTPError):
            self._http.get(path, timeout=3)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()
