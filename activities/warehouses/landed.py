"""Finds out whether a statement took effect whose worker died: the catalog knows.

The gateway stamps every snapshot that a statement commits with its id.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

from activities.sql.gateway_tables import GatewayTables
from activities.sql.lineage import touched
from activities.warehouses.base import Answer, Batch, StatementFailed
from activities.warehouses.reading import Reading
from activities.warehouses.types import column_of
from spec.statements import Access, ServiceError, StatementWork

STAMP = "openlake.statement-id"

_pa: Any = pa


async def find_out(
    http: httpx2.AsyncClient, access: Access, reading: Reading, work: StatementWork
) -> Answer:
    """Return the answer of a statement that landed: a count of rows, NULL when it is not known.

    Raises:
        StatementFailed: the table's newest snapshot is not the statement's: it cannot be known.
        EngineUnavailable: the catalog gateway does not answer.
    """
    target = None
    if reading.tree is not None:
        catalog = access.catalog.name
        target = touched(reading.tree, catalog, work.schema_name or "default").output
    state = None
    if target is not None:
        state = await GatewayTables(http, access.catalog).load(target[1], target[2])
    if state is not None and state.summary.get(STAMP) == work.statement_id:
        added = state.summary.get("added-records") or state.summary.get("deleted-records")
        return count_answer(int(added) if added and added.isdecimal() else None)
    name = "its table" if target is None else ".".join(target)
    raise StatementFailed(
        "The warehouse's process died while the statement ran, and it cannot be known whether it"
        f" took effect: the newest snapshot of {name} is not its own. Look at the table before you"
        " send it again.",
        ServiceError.ABORTED,
    )


def count_answer(count: int | None) -> Answer:
    """Return what a statement answers that changes rows: their number."""
    schema = _pa.schema([("Count", _pa.int64())])
    batch = _pa.record_batch([_pa.array([count], _pa.int64())], schema=schema)

    async def batches() -> AsyncIterator[Batch]:
        yield batch

    return Answer((column_of("Count", _pa.int64()),), batches())
