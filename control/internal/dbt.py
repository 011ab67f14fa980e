"""Makes a dbt task's program; pure."""

from posixpath import isabs, join, normpath, relpath

from control.files.paths import normalise
from spec.attempts import DbtProgram
from spec.errors import Invalid
from spec.task_types import DbtTask
from spec.tasks import BUILT_IN

PROJECT_FILE = "dbt_project.yml"


def project_file(task: DbtTask) -> str:
    """Return the path of the project's own file, as the task's settings mean it."""
    return join(task.project_directory or "", PROJECT_FILE)


def dbt_program(task: DbtTask, project: str, commands: tuple[str, ...]) -> DbtProgram:
    """Return what the engine is to run; see `placed` for warehouses that are not built in.

    Args:
        task: Its settings.
        project: The project's folder in the work folder.
        commands: With their references resolved.

    Raises:
        Invalid: the profiles lie outside the project, whose files are all that a run pins.
    """
    return DbtProgram(
        commands=commands,
        project=project,
        profiles=_profiles(task),
        warehouse=BUILT_IN.get(task.warehouse_id or ""),
        catalog=task.catalog,
        schema_name=task.schema_ or "default",
    )


def _profiles(task: DbtTask) -> str | None:
    """Return the folder of `profiles.yml`, relative to the project."""
    given = task.profiles_directory
    if given is None:
        return None
    if isabs(given):
        given = relpath(normalise(given), normalise(task.project_directory or "/"))
    inside = normpath(given)
    if inside == ".." or inside.startswith("../"):
        raise Invalid(
            f"profiles_directory '{task.profiles_directory}' lies outside the project; put"
            " profiles.yml into the project's folder"
        )
    return inside
