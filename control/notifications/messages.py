"""Words for people and JSON for programs, from the facts that a delivery keeps; pure."""

from datetime import UTC, datetime
from typing import Any, Literal

from control.console.links import run_page
from control.notifications.courier import Message
from control.notifications.tables import Delivery
from spec.attempts import Frozen
from spec.occasions import NoticeEvent

TEST = "test"
"""The event of a message that somebody sends to see whether it arrives."""


class Facts(Frozen):
    """What happened, as it was when it happened."""

    run_name: str
    at: datetime
    task_key: str | None = None
    attempt: int = 0
    result: str = ""
    message: str = ""
    will_retry: bool = False
    seconds: int = 0
    title: str = ""
    """Of an alert, whose words are chosen by people."""


_ENDINGS = {
    "SUCCESS": "succeeded",
    "SUCCESS_WITH_FAILURES": "succeeded with failures",
    "TIMEDOUT": "timed out",
    "CANCELED": "was cancelled",
    "SKIPPED": "was skipped",
    "UPSTREAM_FAILED": "did not run, because a task before it failed",
    "UPSTREAM_CANCELED": "did not run, because a task before it was cancelled",
}

_TYPES: dict[str, Literal["info", "success", "warning", "failure"]] = {
    NoticeEvent.ON_SUCCESS: "success",
    NoticeEvent.ON_FAILURE: "failure",
    NoticeEvent.ON_DURATION_WARNING: "warning",
    "alert_triggered": "warning",
    "alert_ok": "success",
}


def _page(public_url: str, delivery: Delivery) -> str:
    return run_page(
        public_url,
        delivery.workspace_id,
        delivery.job_id,
        delivery.run_id,
        delivery.task_run_id or None,
    )


def message_of(delivery: Delivery, public_url: str) -> Message:
    """Write a message for a person."""
    facts = Facts.model_validate(delivery.facts)
    if delivery.event == TEST:
        return Message("OpenLake can reach you", facts.message, "info")
    whom = facts.run_name + (f": task {facts.task_key}" if facts.task_key else "")
    number = f" (attempt {facts.attempt + 1})" if facts.attempt else ""
    lines = [
        facts.message,
        "It will be tried again." if facts.will_retry else "",
        f"At {facts.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        _page(public_url, delivery),
    ]
    title = facts.title or f"{whom} {_what(delivery.event, facts)}{number}"
    body = "\n".join(line for line in lines if line)
    return Message(title, body, _TYPES.get(delivery.event, "info"))


def _what(event: str, facts: Facts) -> str:
    if event == NoticeEvent.ON_START:
        return "started"
    if event == NoticeEvent.ON_DURATION_WARNING:
        return f"has been running for more than {facts.seconds} seconds"
    return _ENDINGS.get(facts.result, "failed")


def webhook_body(delivery: Delivery, public_url: str) -> dict[str, Any]:
    """Return what a webhook is sent: Databricks' fields, and ours under `openlake`."""
    facts = Facts.model_validate(delivery.facts)
    body: dict[str, Any] = {
        "event_type": f"jobs.{delivery.event}",
        "workspace_id": delivery.workspace_id,
        "run": {"run_id": delivery.run_id},
        "job": {"job_id": delivery.job_id, "name": facts.run_name},
    }
    more: dict[str, Any] = {
        "delivery_id": delivery.delivery_id,
        "at": facts.at.isoformat(),
        "repair": delivery.execution,
        "message": facts.message,
        "run_page_url": _page(public_url, delivery),
    }
    if facts.result:
        more["result"] = facts.result
    if facts.seconds:
        more["threshold_seconds"] = facts.seconds
    if facts.task_key is not None:
        body["task"] = {"task_key": facts.task_key}
        more |= {
            "task_run_id": delivery.task_run_id,
            "attempt_number": facts.attempt,
            "will_retry": facts.will_retry,
        }
    return body | {"openlake": more}
