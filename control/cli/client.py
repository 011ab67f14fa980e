"""The REST API as the command line uses it: one error family in, one error family out."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from control.cli import current
from control.config import Settings
from control.stack.layout import Layout
from spec.errors import Invalid, NotFound, OpenLakeError, Unauthenticated, Unavailable


class Refused(OpenLakeError):
    """The API said no; its own message is for the person."""


_BY_STATUS: dict[int, type[OpenLakeError]] = {
    400: Invalid,
    401: Unauthenticated,
    404: NotFound,
    503: Unavailable,
}


class Api:
    """A session with the API of one stack.

    Every method raises `Unavailable` when the API does not answer and another `OpenLakeError`
    with the API's own message when it refuses.
    """

    def __init__(self, url: str, token: str) -> None:
        """See class."""
        self.url = url
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(60, connect=5),
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read an object."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._answer("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do something; the answer is `{}` where there is nothing to say."""
        return self._answer("POST", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change an object."""
        return self._answer("PATCH", path, json=body)

    def delete(self, path: str) -> dict[str, Any]:
        """Take an object away."""
        return self._answer("DELETE", path)

    def send(
        self, path: str, body: Iterator[bytes], size_bytes: int, **query: Any
    ) -> dict[str, Any]:
        """Send bytes piece by piece, however many they are."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size_bytes),
        }
        timeout = httpx2.Timeout(600, connect=5)
        return self._answer(
            "POST", path, params=query, content=body, headers=headers, timeout=timeout
        )

    def text(self, path: str) -> Iterator[str]:
        """Read a text piece by piece, however long it is."""
        with self._stream(path) as answer:
            yield from answer.iter_text()

    def pages(self, path: str, field: str, limit: int, **query: Any) -> Iterator[dict[str, Any]]:
        """Read at most `limit` entries of a list, page by page."""
        token: str | None = None
        while limit > 0:
            page = self.get(path, limit=min(limit, 20), page_token=token, **query)
            entries: list[dict[str, Any]] = page.get(field, [])
            yield from entries[:limit]
            limit -= len(entries)
            token = page.get("next_page_token")
            if not token:
                return

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def _answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **request)
        except httpx2.TransportError as error:
            raise self._silent(error) from error
        _require_success(answer)
        return answer.json() if answer.content else {}

    @contextmanager
    def _stream(self, path: str) -> Generator[httpx2.Response]:
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                _require_success(answer)
                yield answer
        except httpx2.TransportError as error:
            raise self._silent(error) from error

    def _silent(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"the API at {self.url} does not answer ({error}); `openlake up` starts or mends the"
            " stack, `openlake doctor` says what is wrong"
        )


def _require_success(answer: httpx2.Response) -> None:
    if not answer.is_error:
        return
    try:
        message = str(answer.json()["message"])
    except (ValueError, KeyError):
        message = f"the API answered {answer.status_code} without a reason"
    raise _BY_STATUS.get(answer.status_code, Refused)(message)


def connect(*, operator: bool = False) -> Api:
    """Return a session with the local stack, in the workspace that `openlake workspace use` chose.

    Args:
        operator: In the first one whatever was chosen, as its first user.
    """
    layout = Layout(Settings())
    token = layout.secret("token") if operator else current.token(layout)
    return Api(layout.api_url, token)
