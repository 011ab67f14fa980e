"""Does several things at once, and fails as one of them did."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all; the first failure ends the others and is raised itself, not as a group.

    Whoever decides by an error's class whether to try again must see the error.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
