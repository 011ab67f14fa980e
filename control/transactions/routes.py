"""`/api/openlake/1.0/runs/{run_id}/transaction` and `/transactions`."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from control.http import CallerArg, DepsArg, compact
from control.transactions import service
from spec.api.transactions import RunTransaction, TransactionList

router = APIRouter(prefix="/api/openlake/1.0", tags=["transactions"])


@router.get("/runs/{run_id}/transaction", response_model=RunTransaction)
async def get_transaction(run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Read the transaction of a run whose job has `publish`: branch, state, tables, conflicts."""
    async with deps.database.read_session() as session:
        return compact(await service.of_run(session, caller, run_id))


@router.post("/runs/{run_id}/transaction/drop", response_model=RunTransaction)
async def drop_transaction(run_id: int, caller: CallerArg, deps: DepsArg) -> Response:
    """Drop the kept branch of a run that has ended; what it did not publish is lost."""
    async with deps.database.session() as session:
        await service.drop(session, caller, run_id)
        await session.flush()
        return compact(await service.of_run(session, caller, run_id))


@router.get("/transactions", response_model=TransactionList)
async def list_transactions(
    caller: CallerArg,
    deps: DepsArg,
    state: Annotated[
        list[str] | None, Query(description="Only transactions in these states.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
    page_token: str | None = None,
) -> Response:
    """List transactions, those of newer runs first."""
    async with deps.database.read_session() as session:
        found = await service.page(session, caller, state or [], limit, page_token)
    return compact(found)
