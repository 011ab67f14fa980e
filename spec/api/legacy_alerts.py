"""Requests and answers of `preview/sql/alerts`: alerts as older clients spell them.

They are the alerts of `sql/alerts`.
"""

from typing import Any, Literal

from pydantic import Field

from spec.alerts import AlertCondition, AlertOp
from spec.api.alerts import AlertView
from spec.api.legacy_queries import LegacyUser
from spec.attempts import Frozen
from spec.model import Model

_OPS = {
    ">": AlertOp.GREATER_THAN,
    ">=": AlertOp.GREATER_THAN_OR_EQUAL,
    "<": AlertOp.LESS_THAN,
    "<=": AlertOp.LESS_THAN_OR_EQUAL,
    "==": AlertOp.EQUAL,
    "!=": AlertOp.NOT_EQUAL,
}
_SIGNS = {op.value: sign for sign, op in _OPS.items()}
_IS_NULL = "is null"
"""A comparison that older clients can only read."""


class LegacyAlertOptions(Model):
    """When an alert is triggered, and what its subscribers are sent."""

    column: str = Field(min_length=1)
    op: Literal[">", ">=", "<", "<=", "==", "!="]
    value: bool | float | str
    custom_subject: str | None = None
    custom_body: str | None = None
    empty_result_state: Literal["ok", "triggered", "unknown"] | None = None
    muted: Literal[False] = False
    """A subscription is paused where it is: in the `sql_task` of a job."""

    def condition(self) -> dict[str, Any]:
        """Return the condition as `sql/alerts` spells it, not yet checked."""
        kinds = {bool: "bool_value", float: "double_value", str: "string_value"}
        state = self.empty_result_state
        return {
            "op": _OPS[self.op].value,
            "operand": {"column": {"name": self.column}},
            "threshold": {"value": {kinds[type(self.value)]: self.value}},
            "empty_result_state": state.upper() if state else None,
        }


class LegacyAlertFields(Model):
    """Request of `POST preview/sql/alerts` and `PUT …/{id}`, which replaces all of it."""

    name: str = Field(min_length=1, max_length=1000)
    options: LegacyAlertOptions
    query_id: str = Field(min_length=1)
    rearm: int | None = Field(default=None, ge=0)
    """An alert that stays triggered is told again after so many seconds; unset: never."""

    def modern(self) -> dict[str, Any]:
        """Return the alert as `sql/alerts` spells it, not yet checked."""
        return {
            "display_name": self.name,
            "query_id": self.query_id,
            "condition": self.options.condition(),
            "custom_subject": self.options.custom_subject,
            "custom_body": self.options.custom_body,
            "seconds_to_retrigger": self.rearm or 0,
        }


class CreateLegacyAlert(LegacyAlertFields):
    """Request of `POST preview/sql/alerts`."""

    parent: str | None = None
    """Accepted without effect: alerts are in no folder."""


class LegacyAlertQuery(Frozen):
    """The query of an alert; `preview/sql/queries/{id}` tells the rest."""

    id: str


class LegacyAlertCondition(Frozen):
    """When an alert is triggered, as it is read."""

    column: str
    op: str
    value: bool | float | str | None = None
    custom_subject: str | None = None
    custom_body: str | None = None
    empty_result_state: str | None = None
    muted: bool = False

    @classmethod
    def of(cls, view: AlertView) -> "LegacyAlertCondition":
        """Return an alert's options as older clients read them."""
        condition: AlertCondition = view.condition
        value = condition.threshold.value.model_dump() if condition.threshold else {}
        state = condition.empty_result_state
        return cls(
            column=condition.operand.column.name,
            op=_SIGNS.get(condition.op.value, _IS_NULL),
            value=next((each for each in value.values() if each is not None), None),
            custom_subject=view.custom_subject,
            custom_body=view.custom_body,
            empty_result_state=state.value.lower() if state else None,
        )


class LegacyAlertView(Frozen):
    """One alert."""

    id: str
    name: str
    options: LegacyAlertCondition
    query: LegacyAlertQuery
    rearm: int | None
    state: Literal["ok", "triggered", "unknown"]
    user: LegacyUser
    last_triggered_at: str | None
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, view: AlertView) -> "LegacyAlertView":
        """Return an alert as older clients read it."""
        states = {"OK": "ok", "TRIGGERED": "triggered", "UNKNOWN": "unknown"}
        return cls.model_validate(
            {
                "id": view.id,
                "name": view.display_name,
                "options": LegacyAlertCondition.of(view),
                "query": LegacyAlertQuery(id=view.query_id),
                "rearm": view.seconds_to_retrigger or None,
                "state": states[view.state.value],
                "user": LegacyUser(name=view.owner_user_name, email=view.owner_user_name),
                "last_triggered_at": view.trigger_time,
                "created_at": view.create_time,
                "updated_at": view.update_time,
            }
        )
