"""How a table_care task becomes work for the engine and an order for the sweep."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control.internal.work import body_of, program_of
from control.runs.plans import task_plan
from control.runs.tables import TaskRun
from control.table_care.activities import order_of
from control.table_care.files import File
from control.table_care.history import State
from control.table_care.reachable import key_of
from control.table_care.sweep import Order, chosen_folders, folder_above, folder_of
from spec.api.runs import RunOverrides
from spec.attempts import TableCareProgram
from spec.errors import Invalid
from spec.plans import TaskKind
from spec.references import Context
from spec.table_care import TableCareTask
from spec.table_care_figures import Step
from spec.tasks import Engine, Task

AT = datetime(2026, 1, 31, tzinfo=UTC)
HISTORY = timedelta(days=30)
TASK_RUN = TaskRun(task_run_id=7, run_id=1, task_key="care", scheduled_at=AT)


def care(**fields: Any) -> TableCareTask:
    return TableCareTask.model_validate({"tables": ["{{job.parameters.tables}}"], **fields})


def context(tables: str) -> Context:
    return Context(
        workspace_id=1,
        workspace_url="http://127.0.0.1",
        job_id=1,
        job_name="care",
        run_id=1,
        run_started_at=AT,
        trigger="ONE_TIME",
        parameters={"tables": tables},
        task_key="care",
        task_run_id=7,
        attempt=0,
        repair_count=0,
    )


def test_the_engine_is_told_what_to_rewrite_and_nothing_of_deleting() -> None:
    task = Task(
        task_key="care",
        table_care_task=care(compact={"target_file_size_mb": 64}, expire_snapshots={}),
    )
    body = body_of(task, {}, RunOverrides())
    assert program_of(body, context("shop.*"), None) == TableCareProgram(
        tables=("shop.*",), compact=True, target_file_size_bytes=64 * 1024 * 1024
    )
    with pytest.raises(Invalid, match="'shop' names no tables"):
        program_of(body, context("shop"), None)


@pytest.mark.parametrize(
    ("fields", "kind", "engine"),
    [
        ({"compact": {}}, TaskKind.ENGINE, Engine.SPARK),
        ({"compact": {}, "expire_snapshots": {}}, TaskKind.TABLE_CARE, Engine.SPARK),
        ({"remove_orphan_files": {}}, TaskKind.TABLE_CARE, None),
    ],
)
def test_the_plan_says_who_works(fields: Any, kind: TaskKind, engine: Engine | None) -> None:
    plan = task_plan(Task(task_key="care", table_care_task=care(**fields)))
    assert (plan.kind, plan.engine) == (kind, engine)


def test_an_order_counts_back_from_the_attempt_and_keeps_the_history() -> None:
    order = order_of(care(expire_snapshots={}), ["*"], TASK_RUN, HISTORY)
    assert order.cutoff == AT - HISTORY and order.steps == {Step.EXPIRE_SNAPSHOTS}
    longer = care(expire_snapshots={"older_than_hours": 2000})
    assert order_of(longer, ["*"], TASK_RUN, HISTORY).history == timedelta(hours=2000)
    shorter = care(expire_snapshots={"older_than_hours": 24})
    with pytest.raises(Invalid, match="may need the last 720 hours"):
        order_of(shorter, ["*"], TASK_RUN, HISTORY)


@pytest.mark.parametrize(
    ("days_old", "step"),
    [
        (0, None),
        (2.9, None),
        (3.1, Step.REMOVE_ORPHAN_FILES),
        (29, Step.REMOVE_ORPHAN_FILES),
        (31, Step.EXPIRE_SNAPSHOTS),
    ],
)
def test_the_age_of_a_file_that_nothing_needs_says_what_deletes_it(
    days_old: float, step: Step | None
) -> None:
    order = order_of(care(expire_snapshots={}, remove_orphan_files={}), ["*"], TASK_RUN, HISTORY)
    assert order.step_for(File("a/b", 1, AT - timedelta(days=days_old))) is step
    only = Order(7, AT, ("*",), HISTORY, timedelta(days=3), frozenset((Step.EXPIRE_SNAPSHOTS,)))
    expected = step if step is Step.EXPIRE_SNAPSHOTS else None
    assert only.step_for(File("a/b", 1, AT - timedelta(days=days_old))) is expected


def test_addresses_and_folders() -> None:
    assert key_of("s3://lake/a/x=1?#/b", "lake") == key_of("s3a://lake/a/x=1?#/b", "lake")
    assert key_of("s3://lake/a/x=1?#/b", "lake") == "a/x=1?#/b"
    assert key_of("s3://other/a", "lake") is key_of("/tmp/a", "lake") is None
    assert folder_of("s3://lake/s/t_1/metadata/0.metadata.json", "lake") == "s/t_1/"
    assert folder_of("s3://lake/metadata/0.metadata.json", "lake") is None
    folders = {"s/t/": "s.t"}
    assert folder_above("s/t/data/a", folders) == "s/t/"
    assert folder_above("s/t2/data/a", folders) is None


def test_a_renamed_table_is_known_by_the_name_in_use_and_views_have_no_folder() -> None:
    old = State(("s", "old"), "s3://lake/s/t/metadata/0.metadata.json", is_table=True)
    new = State(("s", "new"), "s3://lake/s/t/metadata/1.metadata.json", is_table=True)
    view = State(("s", "v"), "s3://lake/s/v/metadata/0.metadata.json", is_table=False)
    assert chosen_folders({new, view}, {old, new}, ["s.*"], "lake") == {"s/t/": "s.new"}
    assert chosen_folders({new, view}, {old, new}, ["s.old"], "lake") == {"s/t/": "s.old"}
    with pytest.raises(Invalid, match=r"there is no table 's\.v'"):
        chosen_folders({view}, set(), ["s.v"], "lake")
