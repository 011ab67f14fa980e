"""The only file that talks to the Temporal client: start, cancel, describe.

Everything here may be repeated: a run's workflow has the run's own id, and a second start of it is
refused by the server, which counts as success.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from spec.errors import Unavailable
from spec.events import CancelRequest
from spec.ids import (
    backfill_workflow_id,
    statement_workflow_id,
    trigger_workflow_id,
    workflow_id,
)
from spec.plans import RunPlan
from spec.ports import WORKFLOW_QUEUE
from spec.statements import StatementRef
from spec.triggers import BackfillRef, TriggerRef

WORKFLOW = "JobRun"
_RPC_TIMEOUT = timedelta(seconds=5)

SEARCH_ATTRIBUTES = (
    "OpenlakeWorkspace",
    "OpenlakeJob",
    "OpenlakeRun",
    "OpenlakeState",
    "OpenlakeTrigger",
    "OpenlakeCreator",
)
"""All keywords; the namespace has to know them before the first start."""


class Launcher(Protocol):
    """How admission and its outbox reach the workflows."""

    async def start(self, plan: RunPlan) -> bool:
        """Start a run's workflow; False when it was started before.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def cancel(self, plan: RunPlan, by: str) -> None:
        """Ask a run's workflow to stop, starting it first if it never was; over is fine too.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def cancel_task(self, workflow: str, task_run_id: int, by: str) -> None:
        """Ask a workflow to stop one of its task runs; one that is over needs nothing.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def wake_trigger(self, workspace_id: int, job_id: int) -> None:
        """Have the workflow of a job's trigger look again, starting it if there is none.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def wake_backfill(self, workspace_id: int, backfill_id: int) -> None:
        """Have the workflow of a backfill look again, starting it if there is none.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def start_statement(self, ref: StatementRef) -> bool:
        """Start a statement's workflow; False when it was started before.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def cancel_statement(self, ref: StatementRef) -> None:
        """Ask a statement's workflow to stop, starting it first if it never was.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def is_statement_alive(self, statement_id: str) -> bool:
        """Tell whether a statement's workflow is under way.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def ended_from_outside(self, since: datetime) -> list[tuple[str, str]]:
        """Return (workflow id, status) of run workflows that were ended, but not by themselves.

        Raises:
            Unavailable: Temporal does not answer.
        """
        ...

    async def check(self) -> None:
        """Return when Temporal answers.

        Raises:
            Unavailable: it does not.
        """
        ...


@dataclass(frozen=True)
class Description:
    """What Temporal knows of a run's workflow."""

    status: str
    """RUNNING, COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT, …"""
    history_length: int


async def connect(address: str, namespace: str, *, lazy: bool = True) -> Client:
    """Return a client whose payloads are pydantic models.

    Args:
        address: Host and port of the frontend.
        namespace: Of this stack.
        lazy: Connect at first use, so that the API starts while Temporal is away. A worker needs
            a client that is connected.
    """
    return await Client.connect(
        address, namespace=namespace, data_converter=pydantic_data_converter, lazy=lazy
    )


class TemporalLauncher:
    """See `Launcher`; the real one."""

    def __init__(self, client: Client) -> None:
        """See class."""
        self._client = client

    async def start(self, plan: RunPlan) -> bool:
        """See `Launcher`."""
        try:
            await self._client.start_workflow(
                WORKFLOW,
                plan,
                id=workflow_id(plan.run_id, plan.execution),
                task_queue=WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=_search_attributes(plan),
                static_summary=f"job {plan.job_id} run {plan.run_id}",
                rpc_timeout=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error
        return True

    async def cancel(self, plan: RunPlan, by: str) -> None:
        """See `Launcher`."""
        workflow, request = workflow_id(plan.run_id, plan.execution), CancelRequest(by=by)
        if not await self._signal(workflow, request) and await self.start(plan):
            await self._signal(workflow, request)

    async def cancel_task(self, workflow: str, task_run_id: int, by: str) -> None:
        """See `Launcher`."""
        await self._signal(workflow, CancelRequest(by=by, task_run_id=task_run_id))

    async def _signal(self, workflow: str, request: CancelRequest) -> bool:
        handle = self._client.get_workflow_handle(workflow)
        try:
            await handle.signal("cancel", request, rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _away(error) from error
        except RuntimeError as error:
            raise _away(error) from error
        return True

    async def wake_trigger(self, workspace_id: int, job_id: int) -> None:
        """See `Launcher`."""
        ref = TriggerRef(workspace_id=workspace_id, job_id=job_id)
        await self._wake("Trigger", ref, trigger_workflow_id(job_id), f"job {job_id}")

    async def wake_backfill(self, workspace_id: int, backfill_id: int) -> None:
        """See `Launcher`."""
        ref = BackfillRef(workspace_id=workspace_id, backfill_id=backfill_id)
        await self._wake("Backfill", ref, backfill_workflow_id(backfill_id), "")

    async def _wake(
        self, kind: str, ref: TriggerRef | BackfillRef, workflow: str, summary: str
    ) -> None:
        """Signal a workflow, and start it in the same request when it does not run."""
        keys = (SearchAttributeKey.for_keyword(name) for name in SEARCH_ATTRIBUTES[:2])
        job_id = str(ref.job_id) if isinstance(ref, TriggerRef) else ""
        values = zip(keys, (str(ref.workspace_id), job_id), strict=True)
        try:
            await self._client.start_workflow(
                kind,
                ref,
                id=workflow,
                task_queue=WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal="changed",
                search_attributes=TypedSearchAttributes(
                    [SearchAttributePair(key, value) for key, value in values if value]
                ),
                static_summary=summary,
                rpc_timeout=_RPC_TIMEOUT,
            )
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def start_statement(self, ref: StatementRef) -> bool:
        """See `Launcher`."""
        key = SearchAttributeKey.for_keyword(SEARCH_ATTRIBUTES[0])
        try:
            await self._client.start_workflow(
                "Statement",
                ref,
                id=statement_workflow_id(ref.statement_id),
                task_queue=WORKFLOW_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=TypedSearchAttributes(
                    [SearchAttributePair(key, str(ref.workspace_id))]
                ),
                static_summary=f"warehouse {ref.warehouse_id}",
                rpc_timeout=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error
        return True

    async def cancel_statement(self, ref: StatementRef) -> None:
        """See `Launcher`."""
        if not await self._cancel(statement_workflow_id(ref.statement_id)):
            await self.start_statement(ref)
            await self._cancel(statement_workflow_id(ref.statement_id))

    async def _cancel(self, workflow: str) -> bool:
        """Ask a workflow to stop; False when there is none that runs."""
        try:
            await self._client.get_workflow_handle(workflow).cancel(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _away(error) from error
        except RuntimeError as error:
            raise _away(error) from error
        return True

    async def is_statement_alive(self, statement_id: str) -> bool:
        """See `Launcher`."""
        found = await self._describe(statement_workflow_id(statement_id))
        return found is not None and found.status == WorkflowExecutionStatus.RUNNING.name

    async def describe(self, run_id: int, execution: int = 0) -> Description | None:
        """Return what Temporal knows of a run; None when it knows nothing.

        Raises:
            Unavailable: Temporal does not answer.
        """
        return await self._describe(workflow_id(run_id, execution))

    async def _describe(self, workflow: str) -> Description | None:
        handle = self._client.get_workflow_handle(workflow)
        try:
            found = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise _away(error) from error
        except RuntimeError as error:
            raise _away(error) from error
        status = found.status or WorkflowExecutionStatus.RUNNING
        return Description(status=status.name, history_length=found.history_length)

    async def ended_from_outside(self, since: datetime) -> list[tuple[str, str]]:
        """See `Launcher`."""
        query = (
            f"WorkflowType = '{WORKFLOW}' AND CloseTime > '{since.isoformat()}' AND"
            " ExecutionStatus IN ('Terminated', 'Failed', 'TimedOut', 'Canceled')"
        )
        try:
            found = self._client.list_workflows(query, rpc_timeout=_RPC_TIMEOUT)
            return [(each.id, each.status.name if each.status else "") async for each in found]
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error

    async def check(self) -> None:
        """See `Launcher`."""
        try:
            await self._client.service_client.check_health(timeout=_RPC_TIMEOUT)
        except (RPCError, RuntimeError) as error:
            raise _away(error) from error


def _away(error: Exception) -> Unavailable:
    return Unavailable(f"Temporal does not answer: {error}")


def _search_attributes(plan: RunPlan) -> TypedSearchAttributes:
    values = (
        str(plan.workspace_id),
        str(plan.job_id),
        str(plan.run_id),
        "PENDING",
        plan.trigger,
        plan.creator,
    )
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in zip(SEARCH_ATTRIBUTES, values, strict=True)
        ]
    )
