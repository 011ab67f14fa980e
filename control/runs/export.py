"""`jobs/runs/export`: what a notebook task ran and showed, as a page."""

import asyncio
from posixpath import basename
from typing import Any

from control.artifacts import notebook
from control.artifacts import service as artifacts
from control.auth import Caller
from control.deps import Deps
from control.runs import outputs, service
from spec.api.runs import ExportedRun, ExportRun, ViewItem
from spec.errors import Invalid, NotFound

_FILE = "notebook.ipynb"


async def export(deps: Deps, caller: Caller, request: ExportRun) -> ExportedRun:
    """Return the page of a notebook task's run; of a job run only when it has one task run.

    Raises:
        Invalid: the run has several tasks, is not of a notebook, or its notebook is too large.
        NotFound: there is no such run, or it has left no notebook.
    """
    task_run_id = await outputs.one_task_run(deps, caller, request.run_id)
    view = await service.get(deps, caller, task_run_id, None)
    task: dict[str, Any] = (view.tasks or ({},))[0]
    if "notebook_task" not in task:
        raise Invalid(
            f"Run {request.run_id} is not the run of a notebook task; only those can be exported."
        )
    if request.views_to_export == "DASHBOARDS":
        return ExportedRun()
    archive = await artifacts.get(deps, caller, task_run_id)
    content = await asyncio.to_thread(artifacts.first_file, archive, _FILE, notebook.MOST_BYTES)
    if content is None:
        raise NotFound(f"Run {request.run_id} has left no notebook.", run_id=request.run_id)
    name = basename(task["notebook_task"]["notebook_path"])
    page = await asyncio.to_thread(notebook.page, content, name)
    return ExportedRun(views=(ViewItem(name=name, content=page),))
