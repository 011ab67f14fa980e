"""A table_care task: the engine rewrites first, then the control plane deletes."""

from datetime import UTC, datetime

import pytest
from temporalio import activity
from temporalio.testing import WorkflowEnvironment

from spec.attempts import AttemptOutcome, AttemptResult, TaskRef
from spec.events import CancelRequest, RunResult
from spec.plans import TaskKind, TaskPhase
from tests.workflows.script import Script, fold, plan, running, start, task
from workflows.worker import build_file_remover

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


class Remover(Script):
    """Deletes files as the script says; notes how many attempts the engine had had by then."""

    def __init__(self, **script: object) -> None:
        """See class."""
        super().__init__(**script)  # pyright: ignore[reportArgumentType]
        self.removed: list[tuple[TaskRef, int]] = []

    @activity.defn(name="remove_files")
    async def remove_files(self, ref: TaskRef) -> AttemptOutcome:
        """Do the next step of the script's task `files`."""
        self.removed.append((ref, len(self.refs)))
        self.started["files"].set()
        if self.steps.get("files") == ["hang"]:
            await self._hang()
            return AttemptOutcome(result=AttemptResult.CANCELED, ended_at=datetime.now(UTC))
        result = AttemptResult.FAILED if self.steps.get("files") else AttemptResult.SUCCESS
        return AttemptOutcome(result=result, message="files", ended_at=datetime.now(UTC))


async def test_files_are_deleted_after_the_engine_has_rewritten(
    temporal: WorkflowEnvironment,
) -> None:
    script = Remover()
    run_plan = plan(
        task("both", kind=TaskKind.TABLE_CARE),
        task("files_only", "both", kind=TaskKind.TABLE_CARE, engine=None),
    )
    async with (
        running(temporal.client, script),
        build_file_remover(temporal.client, script.remove_files),
    ):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.SUCCESS
    assert [(ref.task_key, before) for ref, before in script.removed] == [
        ("both", 1),
        ("files_only", 1),
    ]
    assert [ref.task_key for ref in script.refs] == ["both"]
    assert script.removed[0][0].task_run_id == script.refs[0].task_run_id


@pytest.mark.parametrize(
    ("steps", "removed"),
    [({"care": [AttemptResult.FAILED]}, 0), ({"files": [AttemptResult.FAILED]}, 1)],
)
async def test_the_failure_of_either_part_is_the_tasks(
    temporal: WorkflowEnvironment, steps: dict[str, list[AttemptResult]], removed: int
) -> None:
    script = Remover(steps=steps)
    run_plan = plan(task("care", kind=TaskKind.TABLE_CARE))
    async with (
        running(temporal.client, script),
        build_file_remover(temporal.client, script.remove_files),
    ):
        result = await (await start(temporal.client, run_plan)).result()
    assert result.result is RunResult.FAILED
    assert len(script.removed) == removed
    assert fold(run_plan, script).tasks["care"].phase is TaskPhase.FAILED


async def test_a_cancel_stops_the_deleting(temporal: WorkflowEnvironment) -> None:
    script = Remover(steps={"files": ["hang"]})
    run_plan = plan(task("care", kind=TaskKind.TABLE_CARE, engine=None))
    async with (
        running(temporal.client, script),
        build_file_remover(temporal.client, script.remove_files),
    ):
        run = await start(temporal.client, run_plan)
        await script.started["files"].wait()
        await run.signal("cancel", CancelRequest(by="ann"))
        result = await run.result()
    assert result.result is RunResult.CANCELED
