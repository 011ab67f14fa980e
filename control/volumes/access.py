"""Who may use files: people with their tokens, and running attempts with theirs."""

from typing import Annotated

from fastapi import Depends, Request

from control.auth import Caller
from control.http import DepsArg, get_caller
from control.secrets import reading


async def get_file_caller(request: Request, deps: DepsArg) -> Caller:
    """Return who calls; an attempt has the rights of its run's user while it is open."""
    token = reading.attempt_token(request)
    if token is None:
        return await get_caller(request, deps)
    reader = await reading.reader_of(deps, token)
    return Caller(**{**reader.caller.__dict__, "request_id": request.state.request_id})


FileCallerArg = Annotated[Caller, Depends(get_file_caller)]
