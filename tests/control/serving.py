"""Serves the API on a real port, for clients that need one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn

from control.app import create_app
from control.deps import Deps
from tests.control.postgres import free_port


@contextlib.asynccontextmanager
async def serving(deps: Deps) -> AsyncIterator[str]:
    """Run the API in this event loop; yields its address."""
    port = free_port()
    config = uvicorn.Config(
        create_app(deps), host="127.0.0.1", port=port, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
