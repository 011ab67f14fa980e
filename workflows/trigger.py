"""The workflows that start runs by themselves: a job's trigger, and a backfill."""

from datetime import timedelta

from temporalio import workflow

from spec import ports
from spec.triggers import BackfillRef, BackfillStep, TriggerRef, TriggerTick
from workflows import options


@workflow.defn(name="Trigger")
class Trigger:
    """Tends the trigger of one job for as long as it has one that is not paused.

    It sleeps to the instant that the control plane names and then asks it to fire. Nothing of the
    schedule is known here, so a changed one needs only the signal.
    """

    def __init__(self) -> None:
        """Begin with a look."""
        self._is_changed = False

    @workflow.run
    async def run(self, ref: TriggerRef) -> None:
        """Wait and fire, until there is nothing to wait for."""
        while True:
            self._is_changed = False
            step = await workflow.execute_activity(
                ports.advance_trigger,
                TriggerTick(job_id=ref.job_id, now=workflow.now()),
                start_to_close_timeout=options.ADMISSION_LIMIT,
                heartbeat_timeout=options.HEARTBEAT,
                retry_policy=options.RECORD,
            )
            if self._is_changed:
                continue
            if step.wake_at is None:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ref)  # It begins with a look, so no sleep is owed.
            await self._sleep(step.wake_at - workflow.now())

    async def _sleep(self, pause: timedelta) -> None:
        if pause <= timedelta(0):
            return
        try:
            await workflow.wait_condition(
                lambda: self._is_changed, timeout=pause, timeout_summary="next look"
            )
        except TimeoutError:
            pass

    @workflow.signal
    def changed(self) -> None:
        """Look again: the trigger was set, changed, paused or removed, or a run has ended."""
        self._is_changed = True


@workflow.defn(name="Backfill")
class Backfill:
    """Keeps the runs of a backfill coming until each logical date has had its run."""

    def __init__(self) -> None:
        """Begin with a look."""
        self._is_changed = False

    @workflow.run
    async def run(self, ref: BackfillRef) -> BackfillStep:
        """Start runs as others end; return how it ended."""
        while True:
            self._is_changed = False
            step = await workflow.execute_activity(
                ports.advance_backfill,
                ref,
                start_to_close_timeout=options.ADMISSION_LIMIT,
                heartbeat_timeout=options.HEARTBEAT,
                retry_policy=options.RECORD,
            )
            if step.is_over:
                return step
            if not self._is_changed and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(ref)
            try:
                await workflow.wait_condition(
                    lambda: self._is_changed, timeout=options.LOOK_ANYWAY, timeout_summary="look"
                )
            except TimeoutError:
                pass

    @workflow.signal
    def changed(self) -> None:
        """Look again: a run has ended, or the backfill was cancelled."""
        self._is_changed = True
