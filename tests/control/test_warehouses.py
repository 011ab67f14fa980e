"""Warehouses: the API as the unmodified SDK uses it, the keeper's rules, jobs that name them."""

import httpx2
import pytest

from control.auth import Caller
from control.deps import Deps
from control.warehouses import service
from spec.errors import NotFound

API = "/api/2.0/sql/warehouses"


async def create(api: httpx2.AsyncClient, **fields: object) -> str:
    """Make a warehouse over the API."""
    answer = await api.post(API, json={"name": "bi", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_every_workspace_has_two_warehouses_that_sleep(api: httpx2.AsyncClient) -> None:
    found = (await api.get(API)).json()["warehouses"]
    assert [(each["id"], each["engine"], each["state"], each["dialect"]) for each in found] == [
        ("trino", "trino", "STOPPED", "engine"),
        ("duckdb", "duckdb", "STOPPED", "engine"),
    ]


async def test_a_new_warehouse_is_starting_from_the_first_look(api: httpx2.AsyncClient) -> None:
    warehouse_id = await create(api)
    assert len(warehouse_id) == 16 and int(warehouse_id, 16)
    seen = (await api.get(f"{API}/{warehouse_id}")).json()
    assert seen["state"] == "STARTING"
    assert (seen["engine"], seen["dialect"], seen["cluster_size"]) == (
        "duckdb",
        "databricks",
        "Small",
    )


async def test_statement_hooks(api: httpx2.AsyncClient, deps: Deps, caller: Caller) -> None:
    async with deps.database.session() as session:
        row = await service.usable(session, caller, "duckdb")
        await service.admit_statement(session, row)
        await service.wake(session, row)
        await service.touch(session, row)
    assert (await api.get(f"{API}/duckdb")).json()["state"] == "STARTING"
    async with deps.database.session() as session:
        with pytest.raises(NotFound):
            await service.usable(session, caller, "0123456789abcdef")
