"""Makes an attempt's program from its task's settings and the run's pinned files; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from posixpath import dirname

from control.internal.checks import check_program, check_texts
from control.internal.dbt import dbt_program
from control.internal.nested import resolve_in, texts_in
from control.internal.packaged import is_packaged, packaged_parameters, packaged_program
from control.jobs.materials import GIT
from control.jobs.snapshots import ALERT, QUERY, pinned_path, referenced_path
from control.queries.tasks import PinnedSql, file_program, query_program
from control.table_care.program import care_program
from spec.api.runs import RunOverrides
from spec.attempts import (
    AirflowProgram,
    CompareProgram,
    LoadProgram,
    NotebookProgram,
    Program,
    PythonProgram,
)
from spec.errors import Invalid
from spec.references import Context, needs_upstream, resolve
from spec.tasks import Task


@dataclass(frozen=True)
class Body:
    """A task before its references are resolved."""

    task: Task
    path: str
    """What it runs, as pinned: a file's path, `query:<id>` or `alert:<id>`."""
    files: Mapping[str, str]
    """Pinned path → SHA-256 of all that lies below the file's folder."""
    arguments: tuple[str, ...] = ()
    named: Mapping[str, str] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text in which references are resolved."""
        airflow = self.task.airflow_task
        conf = () if airflow is None else tuple(texts_in(airflow.conf))
        return self.arguments + tuple((self.named or {}).values()) + conf


def body_of(task: Task, manifest: dict[str, str], overrides: RunOverrides) -> Body:
    """Return a task's file and parameters, with what the run overrides.

    Raises:
        Invalid: the snapshot does not hold the file (admission checks that it does).
    """
    if task.airflow_task is not None:
        return Body(task, "", {})
    if task.load_task is not None:
        return Body(task, "", {})
    if (compare := task.compare_task) is not None:
        return Body(task, "", {}, arguments=(compare.run_id, compare.with_run_id))
    if (check := task.check_task) is not None:
        return Body(task, "", {}, arguments=check_texts(check), named=check.parameters)
    if task.table_care_task is not None:
        return Body(task, "", {}, arguments=task.table_care_task.tables)
    if is_packaged(task):
        arguments, named = packaged_parameters(task, overrides)
        return Body(task, "", {}, arguments=arguments, named=named)
    reference = referenced_path(task)
    path = None if reference is None else pinned_path(reference, manifest)
    if path is None:
        raise Invalid(f"task '{task.task_key}': '{reference}' was not pinned with the run")
    # Of a repository all is there, as in a checkout.
    folder = GIT if path.startswith(GIT) else dirname(path).rstrip("/") + "/"
    is_query = path.startswith((QUERY, ALERT))
    files = {
        name: sha256
        for name, sha256 in manifest.items()
        if (name == path if is_query else name.startswith(folder))
    }
    if task.dbt_task is not None:
        commands = overrides.dbt_commands
        chosen = task.dbt_task.commands if commands is None else commands
        return Body(task, path, files, arguments=chosen)
    if task.spark_python_task is not None:
        given = overrides.python_params
        arguments = task.spark_python_task.parameters if given is None else given
        return Body(task, path, files, arguments=arguments)
    if task.notebook_task is not None:
        named = task.notebook_task.base_parameters | (overrides.notebook_params or {})
        return Body(task, path, files, named=named)
    sql = task.sql_task
    named = (sql.parameters if sql else {}) | (overrides.sql_params or {})
    return Body(task, path, files, named=named)


def uses_upstream(body: Body, job_parameters: Mapping[str, str]) -> bool:
    """Tell whether the body or a job parameter refers to another task."""
    return needs_upstream((*body.texts, *job_parameters.values()))


def program_of(body: Body, context: Context, sql: PinnedSql | str | None) -> Program:
    """Return what the engine is to run; job parameters win over task parameters of the same key."""
    if (airflow := body.task.airflow_task) is not None:
        conf = resolve_in(airflow.conf, context)
        return AirflowProgram(dag_id=airflow.dag_id, conf=conf, connection=airflow.connection)
    if body.task.load_task is not None:
        return LoadProgram(task=body.task.load_task)
    if body.task.compare_task is not None:
        run_id, with_run_id = (resolve(text, context) for text in body.arguments)
        return CompareProgram(run_id=run_id, with_run_id=with_run_id)
    if body.task.check_task is not None:
        return check_program(body.task.check_task, context)
    if (care := body.task.table_care_task) is not None:
        return care_program(care, context)
    if is_packaged(body.task):
        return packaged_program(body.task, body.arguments, body.named or {}, context)
    path = body.path.removeprefix(GIT).lstrip("/")
    if body.task.dbt_task is not None:
        commands = tuple(resolve(text, context) for text in body.arguments)
        return dbt_program(body.task.dbt_task, dirname(path) or ".", commands)
    if body.named is None:
        return PythonProgram(
            path=path, parameters=tuple(resolve(text, context) for text in body.arguments)
        )
    named = {name: resolve(text, context) for name, text in body.named.items()}
    named |= context.parameters
    if body.task.notebook_task is not None:
        return NotebookProgram(path=path, parameters=named)
    if isinstance(sql, PinnedSql):
        return query_program(sql, named)
    return file_program(sql or "", named)


def work_files(body: Body) -> dict[str, str]:
    """Return the work folder: relative path → SHA-256; SQL needs none."""
    if body.task.sql_task is not None:
        return {}
    return {path.removeprefix(GIT).lstrip("/"): sha256 for path, sha256 in body.files.items()}
