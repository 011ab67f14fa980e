"""Does one attempt, each kind of task in its way."""

import asyncio
from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError
from temporalio.workflow import (
    ActivityCancellationType,
    ChildWorkflowCancellationType,
    ParentClosePolicy,
)

from spec import ports
from spec.attempts import AttemptOutcome, AttemptRef, AttemptResult, TaskRef
from spec.events import AttemptScheduled, ForEachExpanded
from spec.ids import for_each_workflow_id
from spec.plans import Expansion, ForEachPlan, ForEachResult, RunPlan, TaskKind, TaskPlan
from spec.publish import LandRequest
from spec.runs import MAX_LOST
from workflows import options
from workflows.attempt import drive
from workflows.driver import Driver

FOR_EACH_ATTEMPTS = 1 << 18
"""So many of a run's ids one for-each attempt may reserve."""

MOST_CONFLICTS = 100
"""So many more ids one iteration of a transaction gets: as many others as may run beside it may
land changes of its table first."""

FOR_EACH = "ForEach"


async def work(driver: Driver, event: AttemptScheduled) -> AttemptOutcome:
    """Do one attempt; see `workflows.driver.Work`."""
    task = driver.task(event.task_key)
    plan = driver.plan
    ref = TaskRef(
        workspace_id=plan.workspace_id,
        job_id=plan.job_id,
        run_id=plan.run_id,
        execution=plan.execution,
        task_key=event.task_key,
        attempt=event.attempt,
        task_run_id=event.task_run_id,
    )
    try:
        match task.kind:
            case TaskKind.CONDITION:
                return await _judge(ref)
            case TaskKind.RUN_JOB:
                return await _run_job(ref)
            case TaskKind.FOR_EACH:
                return await _for_each(driver, task, ref)
            case TaskKind.TABLE_CARE:
                return await _table_care(driver, task, ref)
            case TaskKind.ENGINE:
                return await _on_engine(driver, task, ref)
    except asyncio.CancelledError:
        return _outcome(AttemptResult.CANCELED, "CANCELED", "The attempt was cancelled.")


async def _on_engine(driver: Driver, task: TaskPlan, ref: TaskRef) -> AttemptOutcome:
    if task.engine is None:
        raise ValueError(f"task '{task.task_key}' names no engine")
    attempt = AttemptRef(**ref.model_dump(), engine=task.engine)
    outcome = await drive(attempt, lambda: driver.is_stopping(ref.task_key))
    if driver.plan.publish and outcome.result is AttemptResult.SUCCESS:
        return await _land(ref, outcome)
    return outcome


async def _land(ref: TaskRef, outcome: AttemptOutcome) -> AttemptOutcome:
    """Merge what a finished attempt wrote into the run's branch; a cancel waits for it."""
    landing = asyncio.ensure_future(
        workflow.execute_activity(
            ports.land,
            LandRequest(ref=ref, outcome=outcome),
            start_to_close_timeout=options.CATALOG_LIMIT,
            heartbeat_timeout=options.CONTROL_HEARTBEAT,
            retry_policy=options.CATALOG,
            summary=f"{ref.task_key} attempt {ref.attempt}: land",
        )
    )
    while not landing.done():
        with suppress(asyncio.CancelledError, ActivityError):
            await asyncio.shield(landing)
    try:
        return landing.result()
    except ActivityError as error:
        return _failed(error)


async def _table_care(driver: Driver, task: TaskPlan, ref: TaskRef) -> AttemptOutcome:
    """Let the engine rewrite, if there is something to rewrite; then delete files."""
    began = None
    if task.engine is not None:
        rewritten = await _on_engine(driver, task, ref)
        if rewritten.result is not AttemptResult.SUCCESS:
            return rewritten
        began = rewritten.started_at
    try:
        outcome = await workflow.execute_activity(
            ports.remove_files,
            ref,
            task_queue=ports.CARE_QUEUE,
            start_to_close_timeout=options.ATTEMPT_LIMIT,
            heartbeat_timeout=options.CONTROL_HEARTBEAT,
            retry_policy=options.REATTACH,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{ref.task_key}: delete files",
        )
    except ActivityError as error:
        return _failed(error)
    return outcome.model_copy(update={"started_at": began or outcome.started_at})


async def _judge(ref: TaskRef) -> AttemptOutcome:
    try:
        return await workflow.execute_activity(
            ports.judge,
            ref,
            start_to_close_timeout=options.RECORD_LIMIT,
            retry_policy=options.RECORD,
            summary=f"{ref.task_key}: compare",
        )
    except ActivityError as error:
        return _failed(error)


async def _run_job(ref: TaskRef) -> AttemptOutcome:
    try:
        return await workflow.execute_activity(
            ports.run_child,
            ref,
            task_queue=ports.CHILD_QUEUE,
            start_to_close_timeout=options.ATTEMPT_LIMIT,
            heartbeat_timeout=options.CONTROL_HEARTBEAT,
            retry_policy=options.REATTACH,
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"{ref.task_key}: run another job",
        )
    except ActivityError as error:
        return _failed(error)


async def _for_each(driver: Driver, task: TaskPlan, ref: TaskRef) -> AttemptOutcome:
    started = workflow.now()
    try:
        expansion = await workflow.execute_activity(
            ports.expand,
            ref,
            start_to_close_timeout=options.CONTROL_LIMIT,
            heartbeat_timeout=options.CONTROL_HEARTBEAT,
            retry_policy=options.RECORD,
            summary=f"{ref.task_key}: read inputs",
        )
    except ActivityError as error:
        return _failed(error)
    todo = sum(count for _, count in expansion.todo)
    result = ForEachResult()
    if todo:
        plan = _for_each_plan(driver, task, ref, expansion, todo)
        try:
            result = await _run_for_each(plan)
        except ChildWorkflowError as error:
            return _failed(error)
    outcome = _for_each_outcome(result, expansion.total)
    return outcome.model_copy(update={"started_at": started})


def _for_each_plan(
    driver: Driver, task: TaskPlan, ref: TaskRef, expansion: Expansion, todo: int
) -> ForEachPlan:
    nested = task.nested or task
    wanted = 1 + MAX_LOST + (nested.max_retries if nested.max_retries >= 0 else 94)
    wanted += MOST_CONFLICTS if driver.plan.publish else 0
    attempts_each = max(1, min(wanted, FOR_EACH_ATTEMPTS // todo))
    plan = ForEachPlan(
        run=_header(driver.plan),
        task=task,
        task_run_id=ref.task_run_id,
        expansion=expansion,
        first_ordinal=driver.state.ordinal,
        attempts_each=attempts_each,
    )
    driver.record(
        ForEachExpanded(
            at=workflow.now(),
            task_key=ref.task_key,
            task_run_id=ref.task_run_id,
            total=expansion.total,
            todo=todo,
            first_ordinal=plan.first_ordinal,
            attempts_each=attempts_each,
        )
    )
    return plan


def _header(plan: RunPlan) -> RunPlan:
    """Return who a run is, without its graph and its history."""
    return RunPlan(
        workspace_id=plan.workspace_id,
        job_id=plan.job_id,
        run_id=plan.run_id,
        execution=plan.execution,
        settings_hash=plan.settings_hash,
        publish=plan.publish,
        paced=plan.paced,
        trigger=plan.trigger,
        creator=plan.creator,
    )


async def _run_for_each(plan: ForEachPlan) -> ForEachResult:
    run = plan.run
    return await workflow.execute_child_workflow(
        FOR_EACH,
        plan,
        id=for_each_workflow_id(run.run_id, run.execution, plan.task_run_id),
        result_type=ForEachResult,
        cancellation_type=ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=ParentClosePolicy.REQUEST_CANCEL,
    )


def _for_each_outcome(result: ForEachResult, total: int) -> AttemptOutcome:
    if result.failed:
        message = f"{result.failed} of {total} iterations failed."
        return _outcome(AttemptResult.FAILED, "RUN_EXECUTION_ERROR", message)
    if result.canceled:
        message = f"{result.canceled} of {total} iterations were cancelled."
        return _outcome(AttemptResult.CANCELED, "CANCELED", message)
    return _outcome(AttemptResult.SUCCESS, "SUCCESS", "")


def _failed(error: ActivityError | ChildWorkflowError) -> AttemptOutcome:
    cause = error.cause
    message = cause.message if isinstance(cause, ApplicationError) else str(cause)
    return _outcome(AttemptResult.FAILED, "INVALID_RUN_CONFIGURATION", message[:1000])


def _outcome(result: AttemptResult, code: str, message: str) -> AttemptOutcome:
    return AttemptOutcome(result=result, code=code, message=message, ended_at=workflow.now())
