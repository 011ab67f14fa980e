"""Requests and answers of `sql/alerts` (Databricks Alerts API 2.0)."""

from typing import Literal

from pydantic import Field

from spec.alerts import AlertCondition, AlertState
from spec.api.queries import PinnedQuery
from spec.attempts import Frozen
from spec.model import Model


class AlertFields(Model):
    """What a person writes."""

    display_name: str = Field(default="New alert", min_length=1, max_length=1000)
    query_id: str = Field(min_length=1)
    """The saved query whose answer is judged."""
    condition: AlertCondition
    custom_subject: str | None = Field(default=None, max_length=1000)
    """Of what subscribers are sent; see `custom_body`."""
    custom_body: str | None = Field(default=None, max_length=10_000)
    """May hold `{{ALERT_NAME}}`, `{{ALERT_STATUS}}`, `{{ALERT_CONDITION}}`, `{{ALERT_COLUMN}}`,
    `{{ALERT_THRESHOLD}}`, `{{QUERY_NAME}}` and `{{QUERY_RESULT_VALUE}}`."""
    notify_on_ok: bool = False
    seconds_to_retrigger: int = Field(default=0, ge=0)
    """An alert that stays triggered is told again after so long; 0: never."""
    parent_path: str | None = None
    """Accepted without effect: alerts are in no folder."""


class AlertChange(Model):
    """What of an alert is to change; only what the mask names counts."""

    display_name: str | None = Field(default=None, min_length=1, max_length=1000)
    query_id: str | None = Field(default=None, min_length=1)
    condition: AlertCondition | None = None
    custom_subject: str | None = Field(default=None, max_length=1000)
    custom_body: str | None = Field(default=None, max_length=10_000)
    notify_on_ok: bool | None = None
    seconds_to_retrigger: int | None = Field(default=None, ge=0)
    owner_user_name: str | None = Field(default=None, min_length=1)


class CreateAlert(Model):
    """Request of `POST sql/alerts`."""

    alert: AlertFields
    auto_resolve_display_name: bool = False
    """Accepted without effect: names may be used twice."""


class UpdateAlert(Model):
    """Request of `PATCH sql/alerts/{id}`; only masked fields change, `*` means all given ones."""

    alert: AlertChange
    update_mask: str = Field(min_length=1)
    auto_resolve_display_name: bool = False


class AlertView(Frozen):
    """One alert."""

    id: str
    display_name: str
    query_id: str
    condition: AlertCondition
    custom_subject: str | None = None
    custom_body: str | None = None
    notify_on_ok: bool
    seconds_to_retrigger: int
    parent_path: str | None = None
    owner_user_name: str
    lifecycle_state: Literal["ACTIVE", "TRASHED"]
    state: AlertState
    trigger_time: str | None = None
    """When it was last found triggered; ISO 8601, UTC."""
    create_time: str
    update_time: str


class AlertList(Frozen):
    """Answer of `GET sql/alerts`, newest first."""

    results: tuple[AlertView, ...] = ()
    next_page_token: str | None = None


class PinnedAlert(PinnedQuery):
    """An alert with its query, as a run keeps it."""

    alert_id: str
    display_name: str
    query_name: str
    condition: AlertCondition
    custom_subject: str | None = None
    custom_body: str | None = None
