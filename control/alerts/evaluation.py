"""Judges an alert when the rows of its query arrive, and notes who is to be told."""

import re
from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from control import hub
from control.alerts.tables import Alert
from control.files import store as files
from control.gateway.tables import AttemptRow
from control.jobs.snapshots import ALERT, task_of
from control.jobs.tables import SettingsSnapshot
from control.notifications.messages import Facts
from control.notifications.outbox import DELIVERIES, new_delivery
from control.notifications.tables import Delivery
from control.runs.tables import Run
from spec.alerts import AlertState, Verdict, describe, is_told, judge, threshold_text
from spec.api.alerts import PinnedAlert
from spec.attempts import AlertResult, AttemptOutput
from spec.task_types import SqlTaskAlert

_PLACE = re.compile(r"\{\{\s*([A-Z_]+)\s*\}\}")
_WORDS = {AlertState.OK: "is back to normal", AlertState.TRIGGERED: "is triggered"}


async def evaluate(
    session: AsyncSession, attempt: AttemptRow, output: AttemptOutput
) -> AlertResult | None:
    """Judge the alert that an attempt was to judge, if it was; harmless when repeated.

    The alert's own row follows in the same transaction; so do the messages to subscribers.
    """
    if output.sql is None and output.error is None:
        return None
    run = await session.get_one(Run, attempt.run_id)
    snapshot = await session.get_one(SettingsSnapshot, run.settings_hash)
    task = task_of(snapshot.settings, attempt.task_key)
    asked = task.sql_task.alert if task.sql_task is not None else None
    if asked is None:
        return None
    content = await files.get_blob(session, snapshot.files[ALERT + asked.alert_id])
    pinned = PinnedAlert.model_validate_json(content)
    if output.error is not None or output.sql is None:
        verdict = Verdict(AlertState.UNKNOWN, output.error or "the query failed")
    else:
        verdict = judge(pinned.condition, output.sql.columns, output.sql.rows)
    await _record(session, run, attempt, asked, pinned, verdict)
    return AlertResult(state=verdict.state, reason=verdict.reason, value=verdict.value)


async def _record(
    session: AsyncSession,
    run: Run,
    attempt: AttemptRow,
    asked: SqlTaskAlert,
    pinned: PinnedAlert,
    verdict: Verdict,
) -> None:
    query = select(Alert).where(
        Alert.alert_id == asked.alert_id, Alert.workspace_id == attempt.workspace_id
    )
    alert = (await session.exec(query.with_for_update())).first()
    # The attempt's last word may come twice; an older attempt's never undoes a newer one's.
    if alert is None or alert.judged_by >= attempt.task_run_id:
        return
    now = datetime.now(UTC)
    told = is_told(
        AlertState(alert.state),
        verdict.state,
        last_told_at=alert.told_at,
        at=now,
        seconds_to_retrigger=alert.seconds_to_retrigger,
        notify_on_ok=alert.notify_on_ok,
    )
    alert.state, alert.judged_by = verdict.state.value, attempt.task_run_id
    if verdict.state is AlertState.TRIGGERED:
        alert.triggered_at = now
    if told and not asked.pause_subscriptions and alert.trashed_at is None:
        if verdict.state is AlertState.TRIGGERED:
            alert.told_at = now
        await tell(session, run, attempt, asked, pinned, verdict)


async def tell(
    session: AsyncSession,
    run: Run,
    attempt: AttemptRow,
    asked: SqlTaskAlert,
    pinned: PinnedAlert,
    verdict: Verdict,
) -> None:
    """Note a message to every subscriber of the task's alert."""
    facts = Facts(
        run_name=run.run_name,
        at=datetime.now(UTC),
        task_key=attempt.task_key,
        attempt=attempt.attempt,
        result=verdict.state.value,
        title=subject(pinned, verdict),
        message=body(pinned, verdict),
    ).model_dump(mode="json")
    rows = [
        new_delivery(
            workspace_id=attempt.workspace_id,
            job_id=run.job_id,
            run_id=run.run_id,
            task_run_id=attempt.task_run_id,
            event=f"alert_{verdict.state.value.lower()}",
            channel="email" if each.user_name is not None else "destination",
            destination=each.user_name or each.destination_id or "",
            facts=facts,
        ).model_dump(exclude={"delivery_id", "created_at", "ended_at"})
        for each in asked.subscriptions
    ]
    if rows:
        await session.exec(insert(Delivery).values(rows).on_conflict_do_nothing())
        await hub.notify(session, DELIVERIES)


def subject(pinned: PinnedAlert, verdict: Verdict) -> str:
    """Return a message's title."""
    if pinned.custom_subject:
        return filled(pinned.custom_subject, pinned, verdict)
    return f"Alert {pinned.display_name} {_WORDS[verdict.state]}"


def body(pinned: PinnedAlert, verdict: Verdict) -> str:
    """Return a message's text."""
    if pinned.custom_body:
        return filled(pinned.custom_body, pinned, verdict)
    value = "NULL" if verdict.value is None else verdict.value
    return (
        f"{describe(pinned.condition)}: the query '{pinned.query_name}' gave"
        f" {pinned.condition.operand.column.name} = {value}"
    )


def filled(template: str, pinned: PinnedAlert, verdict: Verdict) -> str:
    """Fill a template in Databricks' words; what is unknown stays."""
    words = {
        "ALERT_NAME": pinned.display_name,
        "ALERT_STATUS": verdict.state.value,
        "ALERT_CONDITION": describe(pinned.condition),
        "ALERT_COLUMN": pinned.condition.operand.column.name,
        "ALERT_THRESHOLD": threshold_text(pinned.condition),
        "QUERY_NAME": pinned.query_name,
        "QUERY_RESULT_VALUE": "NULL" if verdict.value is None else verdict.value,
    }
    return _PLACE.sub(lambda found: words.get(found[1], found[0]), template)
