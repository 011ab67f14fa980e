"""What an attempt left behind, as people read it."""

from typing import Any

from control.artifacts import links
from control.auth import Caller
from control.deps import Deps
from control.files import store as files
from control.jobs.snapshots import ALERT, QUERY, pinned_path, referenced_path, task_of
from control.logs import service as logs
from control.runs import service, store
from control.runs.access import permitted, permitted_task
from control.runs.pictures import picture
from control.runs.tables import TaskOutput
from control.runs.views import show_tasks
from spec.alerts import AlertState
from spec.api.alerts import PinnedAlert
from spec.api.queries import PinnedQuery
from spec.api.runs import (
    DbtOutput,
    NotebookOutput,
    RunJobOutput,
    RunOutput,
    SqlAlertOutput,
    SqlOutput,
    SqlQueryOutput,
    SqlStatementOutput,
)
from spec.attempts import AttemptOutput
from spec.errors import Invalid
from spec.ids import is_task_run, run_of

LOG_TAIL_BYTES = 5 * 1024 * 1024


_WITH_LOGS = ("spark_python_task", "python_wheel_task", "spark_jar_task", "spark_submit_task")
"""Tasks whose log is part of their output; a notebook's is not."""


async def get(deps: Deps, caller: Caller, any_id: int) -> RunOutput:
    """Return the output of a task run; of a job run only when it has one task run.

    Raises:
        Invalid: the run has several tasks.
    """
    any_id = await one_task_run(deps, caller, any_id)
    metadata = await service.get(deps, caller, any_id, None)
    output = await left_by(deps, caller, any_id)
    task: dict[str, Any] = (metadata.tasks or ({},))[0]
    answer: dict[str, Any] = {
        "metadata": metadata,
        "error": output.error,
        "error_trace": output.error_trace,
    }
    if any(kind in task for kind in _WITH_LOGS):
        text, cut = await logs.tail(deps, any_id, LOG_TAIL_BYTES)
        answer |= {"logs": text, "logs_truncated": cut}
    if "notebook_task" in task and output.notebook_result is not None:
        answer["notebook_output"] = NotebookOutput(result=output.notebook_result)
    if output.child_run_id is not None:
        answer["run_job_output"] = RunJobOutput(run_id=output.child_run_id)
    if "sql_task" in task:
        text = await _query_text(deps, caller, any_id)
        answer["sql_output"] = _sql(task["sql_task"], any_id, output, metadata.run_page_url, text)
    for kind in task.keys() & _OWN_TABLES:
        own: dict[str, Any] = task[kind]
        text = own.get("sql", "")
        answer["sql_output"] = _sql(own, any_id, output, metadata.run_page_url, text)
    if "dbt_task" in task and output.dbt is not None and output.dbt.artifacts_bytes is not None:
        answer["dbt_output"] = DbtOutput(artifacts_link=links.link(deps, any_id))
    return RunOutput.model_validate(answer)


_OWN_TABLES = frozenset(("check_task", "load_task", "compare_task", "table_care_task"))
"""OpenLake's own task types whose output is a table."""


async def left_by(deps: Deps, caller: Caller, task_run_id: int) -> AttemptOutput:
    """Return all that a task run left, as the worker stored it; empty while it has left nothing."""
    async with deps.database.read_session() as session:
        await permitted(session, caller, run_of(task_run_id))
        kept = await session.get(TaskOutput, task_run_id)
    return AttemptOutput.model_validate(kept.output) if kept else AttemptOutput()


async def one_task_run(deps: Deps, caller: Caller, run_id: int) -> int:
    """Return the task run that a task run's id, or that of a run of one task, means.

    Raises:
        NotFound: there is no such run.
        Invalid: the run has several tasks, or has no id for its only one yet.
    """
    if is_task_run(run_id):
        return run_id
    async with deps.database.read_session() as session:
        run = await permitted(session, caller, run_id)
        drawn = await picture(session, run)
    if len(drawn.snapshot.settings.get("tasks", [])) != 1:
        raise Invalid(
            "Retrieving the output of runs with multiple tasks is not supported. Please retrieve"
            " the output of each individual task run instead."
        )
    ids: list[int] = [task["run_id"] for task in show_tasks(drawn, "") if "run_id" in task]
    if not ids:
        raise Invalid(f"Run {run_id} has not started its task yet; it has no output.")
    return ids[-1]


async def _query_text(deps: Deps, caller: Caller, task_run_id: int) -> str:
    """Return the SQL of a task run, as pinned with its run; empty when a repair has another."""
    async with deps.database.read_session() as session:
        row = await permitted_task(session, caller, task_run_id)
        run = await store.get(session, caller.workspace_id, run_of(task_run_id))
        snapshot = await store.snapshot(session, run.settings_hash)
        try:
            reference = referenced_path(task_of(snapshot.settings, row.task_key))
        except Invalid:
            reference = None
        path = None if reference is None else pinned_path(reference, snapshot.files)
        if path is None:
            return ""
        content = await files.get_blob(session, snapshot.files[path])
    if path.startswith(ALERT):
        return PinnedAlert.model_validate_json(content).query_text
    if path.startswith(QUERY):
        return PinnedQuery.read(content).query_text
    return content.decode("utf-8", "replace")


def _sql(
    task: dict[str, Any], task_run_id: int, output: AttemptOutput, page: str, text: str
) -> SqlOutput:
    common: dict[str, Any] = {
        "query_text": text,
        "warehouse_id": task.get("warehouse_id", ""),
        "sql_statements": (SqlStatementOutput(lookup_key=str(task_run_id)),),
        "output_link": page,
    }
    if "alert" in task:
        state = output.alert.state if output.alert is not None else AlertState.UNKNOWN
        return SqlOutput(alert_output=SqlAlertOutput(**common, alert_state=state))
    common["endpoint_id"] = common["warehouse_id"]
    if output.sql is None:
        return SqlOutput(query_output=SqlQueryOutput(**common))
    rows = output.sql.model_dump(include={"columns", "rows", "row_count", "truncated"})
    return SqlOutput(query_output=SqlQueryOutput(**common, **rows))
