"""Tables of notification destinations, of what is to be delivered, and of every try."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from control.columns import big_id, instant, json_object, reference, serial


class DestinationRow(SQLModel, table=True):
    """Somewhere outside that notifications may go to."""

    __tablename__ = "notification_destinations"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        Index("ix_notification_destinations_workspace", "workspace_id", "destination_id"),
    )

    destination_id: str = Field(primary_key=True)
    """A UUID that sorts by its time of making (version 7)."""
    workspace_id: int = reference("workspaces.workspace_id")
    display_name: str
    kind: str
    """A `spec.api.notifications.DestinationType`; it never changes."""
    config: str
    """Sealed JSON: what a person wrote, addresses and secrets alike."""
    signing_secret: str = ""
    """Sealed; of webhooks only."""
    created_by: str
    created_at: datetime | None = instant(now=True)
    updated_at: datetime | None = instant(now=True)


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Delivery(SQLModel, table=True):
    """One notification to one destination: outbox row while pending, log entry for ever."""

    __tablename__ = "deliveries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (
        # A batch of events that is projected again must not tell anybody twice. Test messages
        # belong to no run (0) and may be repeated.
        Index(
            "uq_deliveries_once",
            "run_id",
            "task_run_id",
            "execution",
            "event",
            "channel",
            "destination",
            unique=True,
            postgresql_where=text("run_id <> 0"),
        ),
        Index(
            "ix_deliveries_due",
            "not_before",
            "delivery_id",
            postgresql_where=text("state = 'PENDING'"),
        ),
        Index("ix_deliveries_workspace", "workspace_id", "delivery_id"),
    )

    delivery_id: int | None = serial()
    """Sent along, so that receivers can tell a repetition."""
    workspace_id: int = reference("workspaces.workspace_id")
    job_id: int = big_id()
    run_id: int = big_id()
    task_run_id: int = big_id()
    """0 for the run as a whole."""
    execution: int = 0
    event: str
    """A `spec.notices.NoticeEvent`, or `test`."""
    channel: str
    """`email` or `destination`."""
    destination: str
    """An e-mail address, or the id of a notification destination."""
    facts: dict[str, Any] = json_object()
    """`control.notifications.messages.Facts`, as they were when it happened."""
    state: str = DeliveryState.PENDING.value
    tries: int = 0
    """Since it was made or asked for again."""
    not_before: datetime = instant()
    give_up_at: datetime = instant()
    last_error: str = ""
    created_at: datetime | None = instant(now=True)
    ended_at: datetime | None = instant(optional=True)


class DeliveryTry(SQLModel, table=True):
    """One attempt to deliver; without a duration it is under way, or its process died."""

    __tablename__ = "delivery_tries"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_delivery_tries_delivery", "delivery_id", "try_id"),)

    try_id: int | None = serial()
    delivery_id: int = Field(
        sa_type=BigInteger,
        foreign_key="deliveries.delivery_id",
        ondelete="CASCADE",
        nullable=False,
    )
    started_at: datetime = instant()
    duration_ms: int | None = None
    status: int | None = None
    """HTTP status, where one came."""
    error: str = ""
