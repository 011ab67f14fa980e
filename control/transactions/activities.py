"""The activities by which a run's workflow lands attempts and publishes."""

from temporalio import activity

from control.heartbeats import beating
from control.transactions.context import Context
from control.transactions.landing import land
from control.transactions.publishing import publish
from spec.attempts import AttemptOutcome
from spec.publish import LandRequest, PublishOutcome, PublishRequest


class TransactionTasks:
    """The activities `land` and `publish` of `spec.ports`."""

    def __init__(self, context: Context) -> None:
        """See class."""
        self._context = context

    @activity.defn(name="land")
    async def land(self, request: LandRequest) -> AttemptOutcome:
        """See `spec.ports.land`."""
        async with beating():
            return await land(self._context, request)

    @activity.defn(name="publish")
    async def publish(self, request: PublishRequest) -> PublishOutcome:
        """See `spec.ports.publish`."""
        async with beating():
            return await publish(self._context, request)
