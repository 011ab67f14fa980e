"""The one activity that drives every engine; see `spec.ports.run_attempt`.

How it meets Temporal:

- It heartbeats the handle every second. A later execution, here or on another worker, goes on from
  there, from `AttemptRef.handle`, or from what it finds under the attempt's key.
- When the workflow asks for cancellation the outside work is stopped, its last output shipped, and
  the outcome CANCELED *returned* (or the real end, if that was quicker): a caller that waits for
  the cancellation's completion learns how it went.
- When the worker shuts down, or Temporal has given this execution up (heartbeats came too late and
  another one may follow the work already), the work goes on and nothing of it is touched.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import faults
from activities.config import WorkerConfig
from activities.engines.base import EngineAdapter
from activities.faults import Point
from activities.follow import Control, Follower, WrongHost
from activities.libraries.install import install
from spec.attempts import AttemptOutcome, AttemptRef
from spec.ports import WRONG_HOST
from spec.tasks import Engine

HEARTBEAT_S = 1.0
"""Workflows allow 5 seconds of silence; a cancellation arrives with the answer to one."""

LEFT_RUNNING = "LeftRunning"
"""Type of the retryable failure by which a worker that shuts down hands its attempts on."""

_SURELY_TOLD = 2
"""The client holds a heartbeat back for a second at most: after so many the server has one."""


class AttemptActivities:
    """Holds what the activity needs.

    Args:
        config: This worker.
        control: The internal API.
        engine: Returns the adapter of an engine.
    """

    def __init__(
        self,
        config: WorkerConfig,
        control: Control,
        engine: Callable[[Engine], EngineAdapter],
    ) -> None:
        """See class."""
        self._config = config
        self._control = control
        self._engine = engine

    @activity.defn(name="run_attempt")
    async def run_attempt(self, ref: AttemptRef) -> AttemptOutcome:
        """See `spec.ports.run_attempt`."""
        details = activity.info().heartbeat_details
        known: str | None = details[0] if details else ref.handle
        follower = Follower(
            ref,
            self._control,
            self._engine(ref.engine),
            self._config.host,
            self._config.folder,
            known,
            partial(install, self._config),
        )
        following = asyncio.create_task(follower.run())
        beating = asyncio.create_task(_beat(follower))
        try:
            return await _attend(follower, following)
        except WrongHost as wrong:
            raise ApplicationError(
                str(wrong), wrong.host, wrong.handle, type=WRONG_HOST, non_retryable=True
            ) from wrong
        finally:
            for task in (following, beating):
                task.cancel()
            await asyncio.gather(following, beating, return_exceptions=True)


async def _attend(follower: Follower, following: asyncio.Task[AttemptOutcome]) -> AttemptOutcome:
    """Wait for the outcome, and pass on what Temporal wants meanwhile."""
    leaving = asyncio.create_task(activity.wait_for_worker_shutdown())
    try:
        while True:
            try:
                await asyncio.wait({following, leaving}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                details = activity.cancellation_details()
                if details is None or not details.cancel_requested:
                    raise
                follower.stop()
                continue
            if following.done():
                return following.result()
            raise ApplicationError(
                "The worker shuts down; the attempt's work goes on and will be followed again.",
                type=LEFT_RUNNING,
            )
    finally:
        leaving.cancel()


async def _beat(follower: Follower) -> None:
    told = 0
    while True:
        handle = follower.handle
        activity.heartbeat(*([] if handle is None else [handle.model_dump_json()]))
        told += handle is not None
        if told > _SURELY_TOLD:
            faults.reach(Point.AFTER_HANDLE, follower.ref.task_key)
        # The first handle is worth more than any later one: look out for it.
        await asyncio.sleep(HEARTBEAT_S if told else 0.05)
