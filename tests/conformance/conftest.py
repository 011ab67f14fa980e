"""Clients of the running stack: an admin's, another workspace's, and those of plain users."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from databricks.sdk import WorkspaceClient
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.db import Database
from control.tokens import service as tokens
from control.workspaces import principals
from control.workspaces.making import make_admin, make_workspace
from control.workspaces.tables import Principal, Workspace
from tests.conformance.recording import CALLS
from tests.conformance.watching import Calls, watch
from tests.integration.stack import Stack

AsUser = Callable[[str], WorkspaceClient]
"""Makes the client of a plain user; the same name gives the same user."""

_OTHER = "conformance-other"


class Clients:
    """The clients of one stack; all note what the test under way calls."""

    def __init__(self, stack: Stack) -> None:
        """See class."""
        self.calls = Calls()
        self._host = stack.layout.api_url
        self._database = stack.layout.postgres_url()
        self._users: dict[str, WorkspaceClient] = {}
        self.admin = self.of(stack.layout.secret("token"))
        self.other = self.of(asyncio.run(self._token_of_other()))

    def of(self, token: str) -> WorkspaceClient:
        """Return the client of a token, as its owner would make it."""
        client = WorkspaceClient(host=self._host, token=token)
        return watch(client, lambda: self.calls)

    def user(self, name: str) -> WorkspaceClient:
        """Return the client of a plain user of the first workspace."""
        if name not in self._users:
            self._users[name] = self.of(asyncio.run(self._token_of_user(f"{name}@conformance")))
        return self._users[name]

    async def _token_of_other(self) -> str:
        async with _session(self._database) as session:
            # Two processes of xdist may share one stack.
            await session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(_OTHER, 0))))
            query = select(Workspace.workspace_id).where(
                Workspace.name == _OTHER, col(Workspace.deleted_at).is_(None)
            )
            workspace_id = (await session.exec(query)).first()
            if workspace_id is None:
                workspace_id = secrets.randbelow(1 << 40) + (1 << 40)
                await make_workspace(session, Workspace(workspace_id=workspace_id, name=_OTHER))
            admin = await principals.find(session, workspace_id, "other@conformance")
            if admin is None:
                admin = await make_admin(session, workspace_id, "other@conformance")
            token = await tokens.issue(session, admin, "conformance")
        return token

    async def _token_of_user(self, name: str) -> str:
        async with _session(self._database) as session:
            user = await principals.find(session, tokens.FIRST_WORKSPACE, name)
            if user is None:
                user = Principal(
                    workspace_id=tokens.FIRST_WORKSPACE, user_name=name, display_name=name
                )
                session.add(user)
                await session.flush()
            token = await tokens.issue(session, user, "conformance")
        return token


@asynccontextmanager
async def _session(url: str) -> AsyncGenerator[AsyncSession]:
    database = Database.connect(url)
    try:
        async with database.session() as session:
            yield session
    finally:
        await database.dispose()


@pytest.fixture(scope="session")
def clients(whole_stack: Stack) -> Clients:
    """Every client that tests of this folder use."""
    return Clients(whole_stack)


@pytest.fixture(autouse=True)
def watched(request: pytest.FixtureRequest, clients: Clients) -> Iterator[None]:
    """Note what this test calls, for `tests.conformance.recording`."""
    clients.calls = request.node.stash.setdefault(CALLS, Calls())
    yield
    clients.calls = Calls()


@pytest.fixture
def sdk(clients: Clients) -> WorkspaceClient:
    """The client of the first workspace's admin."""
    return clients.admin


@pytest.fixture
def other_workspace(clients: Clients) -> WorkspaceClient:
    """The client of another workspace's admin: it sees nothing of the first workspace."""
    return clients.other


@pytest.fixture
def as_user(clients: Clients) -> AsUser:
    """Clients of users of the first workspace without any rights of their own."""
    return clients.user
