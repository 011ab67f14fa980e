"""Requests as somebody else than the first admin."""

from dataclasses import dataclass
from typing import Any

import httpx2

from control.auth import Caller
from control.deps import Deps
from tests.control.make import make_token, make_user


@dataclass(frozen=True)
class Person:
    """A user of the API."""

    api: httpx2.AsyncClient
    caller: Caller
    token: str

    async def __call__(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Send a request with the person's own token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.api.request(method, path, headers=headers, **request)

    @property
    def name(self) -> str:
        """What permissions name the person by."""
        return self.caller.user_name


async def person(api: httpx2.AsyncClient, deps: Deps, name: str, *groups: str) -> Person:
    """Make a plain user of the first workspace."""
    caller = await make_user(deps.database, name, *groups)
    return Person(api, caller, await make_token(deps.database, caller))


async def give(api: httpx2.AsyncClient, place: str, name: str, level: str) -> None:
    """Give a user a level on an object, e.g. `jobs/12`, as the admin."""
    entry = {"user_name": name, "permission_level": level}
    body = {"access_control_list": [entry]}
    answer = await api.patch(f"/api/2.0/permissions/{place}", json=body)
    assert answer.status_code == 200, answer.text
