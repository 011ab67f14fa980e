"""The REST API as the command line uses it: one error family in, one error family out."""

import os
from collections.abc import Generator, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from contextlib import contextmanager
from pathlib import Path
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

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """Read an object."""
        given = {key: value for key, value in query.items() if value is not None}
        return self._answer("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do something; the answer is `{}` where there is nothing to say."""
        return self._answer("POST", path, json=body)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Replace an object."""
        return self._answer("PUT", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change an object."""
        return self._answer("PATCH", path, json=body)

    def delete(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Take an object away; a few endpoints name it in the body."""
        return self._answer("DELETE", path, **({"json": body} if body else {}))

    def send(
        self,
        path: str,
        body: Iterator[bytes],
        size_bytes: int,
        *,
        method: str = "POST",
        **query: Any,
    ) -> dict[str, Any]:
        """Send bytes piece by piece, however many they are."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size_bytes),
        }
        timeout = httpx2.Timeout(600, connect=5)
        return self._answer(
            method, path, params=query, content=body, headers=headers, timeout=timeout
        )

    def text(self, path: str) -> Iterator[str]:
        """Read a text piece by piece, however long it is."""
        with self._stream(path) as answer:
            yield from answer.iter_text()

    def content(self, path: str) -> Iterator[bytes]:
        """Read bytes piece by piece, however many they are."""
        with self._stream(path) as answer:
            yield from answer.iter_bytes()

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


def sign_in(host: str | None = None, profile: str | None = None) -> Api:
    """Return a session with the workspace that Databricks' own clients would use, else the local.

    The address and the token come from DATABRICKS_HOST and DATABRICKS_TOKEN, or from a profile of
    ~/.databrickscfg (DATABRICKS_CONFIG_PROFILE).

    Args:
        host: The address that a file names; another one than is set up is a mistake.
        profile: The profile that a file names; DATABRICKS_CONFIG_PROFILE goes before.

    Raises:
        Invalid: the address and the token do not go together.
    """
    named = os.environ.get("DATABRICKS_CONFIG_PROFILE") or profile
    of_profile = _profile(named) if named else {}
    wanted = os.environ.get("DATABRICKS_HOST") or of_profile.get("host")
    layout = Layout(Settings())
    if wanted is not None and host is not None and _plain(wanted) != _plain(host):
        raise Invalid(
            f"the file is for {host}, but you are signed in at {wanted}; mend workspace.host, or"
            " DATABRICKS_HOST"
        )
    url = _plain(wanted or host or layout.api_url)
    token = os.environ.get("DATABRICKS_TOKEN") if wanted or host else None
    token = token or of_profile.get("token")
    if token is None and url == _plain(layout.api_url):
        token = current.token(layout)
    if token is None:
        raise Invalid(f"there is no token for {url}; set DATABRICKS_HOST and DATABRICKS_TOKEN")
    return Api(url, token)


def _plain(url: str) -> str:
    url = url if "://" in url else f"https://{url}"
    return url.rstrip("/")


def _profile(name: str) -> dict[str, str]:
    file = Path(os.environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()
    parser = ConfigParser()
    try:
        parser.read_string(file.read_text("utf-8"))
        return dict(parser[name])
    except (OSError, ConfigParserError, KeyError):
        raise Invalid(f"{file} has no profile '{name}'; add one, or name another") from None
