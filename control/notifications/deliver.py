"""Delivers what the outbox holds: at least once, with growing pauses, every try in the log."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, update

from control.config import Notifications
from control.db import Database
from control.hub import Hub
from control.hub import wait as wait_for
from control.metrics import Metrics
from control.notifications import services, store
from control.notifications.courier import Courier
from control.notifications.guard import AddressGuard, parse_networks
from control.notifications.messages import message_of, webhook_body
from control.notifications.outbox import DELIVERIES
from control.notifications.service import open_config, open_signing_secret
from control.notifications.tables import Delivery, DeliveryState, DeliveryTry, DestinationRow
from control.notifications.webhook import Hook, Outcome, WebhookSender, sign
from control.sealing import Sealer
from spec.api.notifications import DestinationType
from spec.errors import OpenLakeError

log = structlog.get_logger(__name__)

AT_ONCE = 16
LEASE = timedelta(seconds=90)
"""Longer than any one try takes; who dies meanwhile leaves the delivery to others."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 3 * 3600.0
MOST_TRIES = 20


def pause_after(tries: int, chance: float, asked_s: float | None = None) -> timedelta:
    """Return how long to wait after the n-th try: doubling, and never all at the same moment.

    Args:
        tries: How many there were, this one included.
        chance: 0 to 1; spreads pauses over the upper half of their range.
        asked_s: What the receiver asked for (`Retry-After`).
    """
    pause = min(FIRST_PAUSE_S * 2 ** min(tries - 1, 20), LONGEST_PAUSE_S) * (0.5 + chance / 2)
    return timedelta(seconds=max(pause, min(asked_s or 0.0, LONGEST_PAUSE_S)))


class Deliverer:
    """Sends notifications; several may run at once, in several processes."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        settings: Notifications,
        public_url: str,
        metrics: Metrics | None = None,
        sender: WebhookSender | None = None,
    ) -> None:
        """See class."""
        allowed = parse_networks(settings.allowed_networks)
        self._database, self._sealer, self._settings = database, sealer, settings
        self._public_url = public_url
        self._metrics = metrics or Metrics()
        self._sender = sender or WebhookSender(AddressGuard(allowed))
        self._courier = Courier(allowed)

    async def run(self, hub: Hub, interval_s: float = 2.0) -> None:
        """Deliver for ever.

        Args:
            hub: Started; says when there is something new.
            interval_s: Pause between two looks when nothing wakes us.
        """
        busy: set[asyncio.Task[None]] = set()
        try:
            async with hub.follow(DELIVERIES) as wake:
                while True:
                    started = await self._start(busy)
                    if len(busy) >= AT_ONCE:
                        await asyncio.wait(busy, return_when=asyncio.FIRST_COMPLETED)
                    elif not started:
                        await wait_for(wake, interval_s)
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)
            await self._courier.close()

    async def _start(self, busy: set[asyncio.Task[None]]) -> bool:
        try:
            claimed = await self._claim(AT_ONCE - len(busy))
        except (SQLAlchemyError, OSError) as error:
            log.warning("deliveries.database_away", error=str(error))
            return False
        for delivery, attempt in claimed:
            task = asyncio.create_task(self._deliver(delivery, attempt))
            busy.add(task)
            task.add_done_callback(busy.discard)
        return bool(claimed)

    async def deliver_due(self) -> int:
        """Deliver what is due now, once; return how many that were."""
        claimed = await self._claim(AT_ONCE)
        await asyncio.gather(*(self._deliver(*pair) for pair in claimed))
        return len(claimed)

    async def close(self) -> None:
        """End the program that runs Apprise."""
        await self._courier.close()

    async def _claim(self, limit: int) -> Sequence[tuple[Delivery, DeliveryTry]]:
        async with self._database.session() as session:
            return await store.claim(session, datetime.now(UTC), LEASE, limit)

    async def _deliver(self, delivery: Delivery, attempt: DeliveryTry) -> None:
        began = time.monotonic()
        try:
            outcome = await self._send(delivery)
        except OpenLakeError as error:
            # Something of ours is missing: a mail server, a destination, a key.
            outcome = Outcome(False, error=error.message, final=not error.retryable)
        except Exception as error:
            log.exception("deliveries.broken", delivery_id=delivery.delivery_id)
            outcome = Outcome(False, error=f"{type(error).__name__}: {error}"[:500])
        attempt.duration_ms = round((time.monotonic() - began) * 1000)
        try:
            await self._record(delivery, attempt, outcome)
        except (SQLAlchemyError, OSError) as error:
            # The lease runs out, and it is delivered again: at least once.
            log.warning("deliveries.unrecorded", delivery_id=delivery.delivery_id, error=str(error))

    async def _send(self, delivery: Delivery) -> Outcome:
        message = message_of(delivery, self._public_url)
        if delivery.channel == "email":
            service = services.mail_service(self._settings, [delivery.destination])
            return await self._courier.send(service, message)
        async with self._database.read_session() as session:
            row = await store.destination(session, delivery.workspace_id, delivery.destination)
        config = open_config(self._sealer, row)
        match DestinationType(row.kind):
            case DestinationType.WEBHOOK:
                return await self._sender.post(self._hook(delivery, row, config))
            case DestinationType.EMAIL:
                service = services.mail_service(self._settings, config["addresses"])
            case kind:
                service = services.chat_service(kind, config)
        return await self._courier.send(service, message)

    def _hook(self, delivery: Delivery, row: DestinationRow, config: dict[str, str]) -> Hook:
        body = json.dumps(webhook_body(delivery, self._public_url)).encode()
        secret = open_signing_secret(self._sealer, row)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "OpenLake-Webhooks/1.0",
            "X-OpenLake-Delivery": str(delivery.delivery_id),
            "X-OpenLake-Signature": sign(secret, int(time.time()), body),
        }
        return Hook(config["url"], body, headers, config.get("username"), config.get("password"))

    async def _record(self, delivery: Delivery, attempt: DeliveryTry, outcome: Outcome) -> None:
        now = datetime.now(UTC)
        pause = pause_after(delivery.tries, random.random(), outcome.retry_after_s)  # noqa: S311
        over = outcome.final or delivery.tries >= MOST_TRIES or now + pause >= delivery.give_up_at
        attempt.status, attempt.error = outcome.status, outcome.error
        mine = update(Delivery).where(col(Delivery.delivery_id) == delivery.delivery_id)
        if outcome.ok:
            state = DeliveryState.DELIVERED
            change = mine.values(state=state.value, ended_at=now, last_error="")
        else:
            # Another process may have taken it up after our lease: its word counts then.
            mine = mine.where(
                col(Delivery.tries) == delivery.tries,
                col(Delivery.state) == DeliveryState.PENDING.value,
            )
            state = DeliveryState.FAILED if over else DeliveryState.PENDING
            change = mine.values(
                state=state.value,
                ended_at=now if over else None,
                not_before=now + pause,
                last_error=outcome.error,
            )
        async with self._database.session() as session:
            await session.merge(attempt)
            await session.exec(change)
        self._metrics.deliveries.labels(state.value).inc()
        log.info(
            "deliveries.tried",
            delivery_id=delivery.delivery_id,
            run_id=delivery.run_id,
            state=state.value,
            tries=delivery.tries,
            status=outcome.status,
            error=outcome.error,
        )
