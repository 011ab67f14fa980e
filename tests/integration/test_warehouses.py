"""Warehouses on the real stack: processes that come, die, come back and go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import psutil
import pytest

from control.stack.identity import Record
from tests.integration.stack import Stack, wait_for

pytestmark = pytest.mark.integration

PROCESS = "warehouse-duckdb-1-1"


@contextlib.asynccontextmanager
async def database(stack: Stack) -> AsyncIterator[Any]:
    """A connection to the control plane's database."""
    connection = await asyncpg.connect(stack.layout.postgres_url(driver=""))
    try:
        yield connection
    finally:
        await connection.close()


def warehouse(stack: Stack) -> dict[str, Any]:
    """Read the built-in DuckDB warehouse."""
    found: dict[str, Any] = stack.json("warehouses", "get", "duckdb")
    return found


def pid(stack: Stack) -> int | None:
    """Return the process of the warehouse that runs now, if one does."""
    record = Record.read(stack.layout.run_dir / f"{PROCESS}.json")
    return record.identity.pid if record and record.identity.alive() else None


def is_gone(process: int) -> bool:
    """Tell whether a process has ended; its parent may not have taken leave of it yet."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
def running(stack: Stack) -> Iterator[int]:
    """The warehouse's process; the warehouse is stopped afterwards."""
    stack.command("warehouses", "start", "duckdb")
    found = pid(stack)
    assert found is not None
    yield found
    stack.command("warehouses", "stop", "duckdb")


def is_running(stack: Stack) -> bool:
    """Tell whether the warehouse takes statements."""
    return warehouse(stack)["state"] == "RUNNING"


def test_what_is_killed_comes_back_and_stop_ends_it(stack: Stack, running: int) -> None:
    assert is_running(stack)
    shown = {each["name"]: each["state"] for each in stack.json("status")}
    assert shown[PROCESS] == "up"
    stack.kill(PROCESS)
    again = wait_for(lambda: pid(stack), 30, "another process")
    assert again != running
    wait_for(lambda: is_running(stack), 60, "the warehouse to run again")
    # Nobody keeps it for a while; it goes on, and is known again.
    stack.command("restart", "control-worker")
    assert is_running(stack) and pid(stack) == again
    stack.command("warehouses", "stop", "duckdb")
    assert pid(stack) is None and is_gone(again)
    assert warehouse(stack)["state"] == "STOPPED"


def test_down_takes_its_processes_along_and_up_brings_them_back(stack: Stack, running: int) -> None:
    # As the whole `down` does, which stops the keeper first; the other parts may stay.
    stack.command("down", "--only", f"control-worker,{PROCESS}")
    assert pid(stack) is None and is_gone(running)
    stack.up()
    wait_for(lambda: pid(stack), 60, "the warehouse's process")
    wait_for(lambda: is_running(stack), 60, "the warehouse to run")


def test_an_idle_warehouse_stops_by_itself(stack: Stack, running: int) -> None:
    async def let_hours_pass() -> None:
        async with database(stack) as connection:
            await connection.execute(
                "UPDATE warehouses SET last_activity_at = now() - interval '3 hours'"
                " WHERE warehouse_id = 'duckdb'"
            )

    asyncio.run(let_hours_pass())
    wait_for(lambda: warehouse(stack)["state"] == "STOPPED", 60, "the warehouse to stop")
    assert is_gone(running)
