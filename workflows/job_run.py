"""The workflow that executes one run of a job."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from spec.events import CancelRequest, Result
from spec.plans import RunPlan
from workflows.driver import Driver
from workflows.work import work

STATE = SearchAttributeKey.for_keyword("OpenlakeState")


@workflow.defn(name="JobRun")
class JobRun:
    """Runs a job's tasks as their dependencies allow; its state is the run's truth while it lives.

    It goes on in a fresh history when its own has grown long and no attempt is under way.
    """

    @workflow.init
    def __init__(self, plan: RunPlan) -> None:
        """Start with every task blocked, or as earlier executions left it."""
        self._driver = Driver(plan, work)

    @workflow.run
    async def run(self, plan: RunPlan) -> Result:
        """Run to the end; return how it ended, after the last event has been projected."""
        if (rest := await self._driver.run()) is not None:
            workflow.continue_as_new(rest)
        result = self._driver.result()
        ended: SearchAttributeUpdate[str] = STATE.value_set(result.result.value)
        workflow.upsert_search_attributes([ended])  # pyright: ignore[reportUnknownMemberType]
        return result

    @workflow.signal
    def cancel(self, request: CancelRequest) -> None:
        """Stop the whole run, or one of its task runs; harmless when repeated."""
        self._driver.cancel(request)

    @workflow.query
    def tasks(self) -> dict[str, str]:
        """Return each task's phase, for `temporal workflow query`."""
        return {key: task.phase.value for key, task in self._driver.state.tasks.items()}
