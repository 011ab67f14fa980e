"""What a job's trigger state looks like over the API."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.runs.views import millis
from control.triggers.service import read_back
from control.triggers.tables import TriggerState
from spec.trigger_words import describe_trigger
from spec.triggers import TriggerKind


async def states_of(session: AsyncSession, job_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the trigger state of each of the jobs that has an active trigger."""
    query = select(TriggerState).where(col(TriggerState.job_id).in_(job_ids))
    return {row.job_id: show_state(row) for row in (await session.exec(query)).all()}


def show_state(row: TriggerState) -> dict[str, Any]:
    """Return Databricks' `trigger_state`, with what OpenLake knows besides."""
    words = describe_trigger(read_back(row))
    shown: dict[str, Any] = {"pause_status": "UNPAUSED", "description": words}
    if row.kind == TriggerKind.FILE_ARRIVAL.value:
        shown["file_arrival"] = {"using_file_events": False}
    elif row.kind == TriggerKind.TABLE.value:
        shown["table"] = {
            "last_seen_table_states": [
                {"table_name": name, "has_seen_updates": _is_new(row, name)} for name in row.watched
            ]
        }
    elif row.kind == TriggerKind.CONTINUOUS.value:
        shown["continuous"] = {
            "consecutive_failures": row.failures,
            "is_backing_off": row.failures > 0 and row.next_at is not None,
            "next_attempt_ms": millis(row.next_at),
        }
    shown["next_fire_time"] = millis(row.next_at) or None
    if row.watched and row.has_looked:
        shown["last_look_time"] = millis(row.updated_at)
    shown["last_fire_time"] = millis(row.fired_at) or None
    shown["last_run_id"] = row.last_run_id
    shown["last_error"] = row.last_error or None
    return {name: value for name, value in shown.items() if value is not None}


def _is_new(row: TriggerState, name: str) -> bool:
    return row.has_looked and row.seen.get(name) != row.handled.get(name)
