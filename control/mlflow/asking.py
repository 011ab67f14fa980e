"""Who asks: a person, or a running task with its attempt's token."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import select

from control.auth import Caller
from control.deps import Deps
from control.gateway.tables import AttemptRow, AttemptState
from control.http import DepsArg, get_caller
from control.mlflow.addresses import is_databricks
from control.mlflow.memory import Memory
from control.mlflow.server import MlflowServer, workspace_name
from control.secrets.reading import attempt_token, reader_of
from spec.errors import Forbidden


@dataclass(frozen=True)
class Asking:
    """A caller, and how answers to it are spelled."""

    deps: Deps
    caller: Caller
    databricks: bool = False
    """It takes addresses of artifacts as Databricks gives them."""
    base_url: str = ""
    """Where it reached this API."""

    @property
    def server(self) -> MlflowServer:
        """The MLflow server."""
        return self.deps.tracking.server

    @property
    def memory(self) -> Memory:
        """What is remembered of it."""
        return self.deps.tracking.memory

    @property
    def workspace_id(self) -> int:
        """The caller's workspace."""
        return self.caller.workspace_id

    @property
    def workspace(self) -> str:
        """What MLflow calls the caller's workspace."""
        return workspace_name(self.workspace_id)


async def get_asking(request: Request, deps: DepsArg) -> Asking:
    """Return who asks; for `Depends`.

    A task is its run's user, for as long as its attempt is open.
    """
    token = attempt_token(request)
    if token is not None:
        caller = await _task(deps, token, request.state.request_id)
    else:
        caller = await get_caller(request, deps)
    return Asking(deps, caller, is_databricks(request.headers), str(request.base_url).rstrip("/"))


async def _task(deps: Deps, token: str, request_id: str) -> Caller:
    memory = deps.tracking.memory
    reader = memory.task(token)
    if reader is None:
        reader = await reader_of(deps, token)
        memory.keep_task(token, reader)
    elif not await _is_open(deps, reader.task_run_id):
        raise Forbidden(f"attempt {reader.task_run_id} is over, and its token with it")
    return replace(reader.caller, request_id=request_id)


async def _is_open(deps: Deps, task_run_id: int | None) -> bool:
    query = select(AttemptRow.state).where(AttemptRow.task_run_id == task_run_id)
    async with deps.database.read_session() as session:
        return (await session.exec(query)).first() == AttemptState.OPEN


AskingArg = Annotated[Asking, Depends(get_asking)]
