"""What a workspace is set to where a statement, a task or a query says nothing."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.workspaces.tables import Workspace
from spec.errors import Invalid
from spec.jobs import JobSettings

_ON_WAREHOUSE = ("sql_task", "check_task")
"""Tasks that need a warehouse and may leave it to the workspace."""


@dataclass(frozen=True)
class Defaults:
    """A workspace's defaults."""

    catalog: str | None = None
    warehouse_id: str | None = None

    def warehouse(self, named: str | None) -> str:
        """Return the warehouse that is named, else the default one.

        Raises:
            Invalid: there is neither.
        """
        found = named or self.warehouse_id
        if not found:
            raise Invalid(
                "warehouse_id: no warehouse is named, and the workspace has no default; name one,"
                " or let an admin set default_warehouse_id"
            )
        return found


async def defaults_of(session: AsyncSession, workspace_id: int) -> Defaults:
    """Return the defaults of a workspace."""
    query = select(Workspace.default_catalog, Workspace.default_warehouse_id).where(
        Workspace.workspace_id == workspace_id
    )
    found = (await session.exec(query)).first()
    return Defaults(*found) if found is not None else Defaults()


async def with_default_warehouse(
    session: AsyncSession, workspace_id: int, settings: JobSettings
) -> JobSettings:
    """Return a job's settings in which every SQL task names its warehouse.

    Raises:
        Invalid: one names none, and the workspace has no default.
    """
    bare = [task for task in settings.every_task() if _lacks(task.sql_task or task.check_task)]
    if not bare:
        return settings
    defaults = await defaults_of(session, workspace_id)
    try:
        warehouse_id = defaults.warehouse(None)
    except Invalid as error:
        raise Invalid(f"task '{bare[0].task_key}': {error.message}") from None
    dumped = settings.model_dump(exclude_none=True)
    dumped["tasks"] = [_filled(task, warehouse_id) for task in dumped["tasks"]]
    return JobSettings.model_validate(dumped)


def _lacks(named: Any) -> bool:
    return named is not None and named.warehouse_id is None


def _filled(task: dict[str, Any], warehouse_id: str) -> dict[str, Any]:
    for kind in _ON_WAREHOUSE:
        if kind in task:
            task = {**task, kind: {"warehouse_id": warehouse_id, **task[kind]}}
    if "for_each_task" in task:
        loop = task["for_each_task"]
        task = {**task, "for_each_task": {**loop, "task": _filled(loop["task"], warehouse_id)}}
    return task
