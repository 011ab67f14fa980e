"""Addresses of the console's pages, as other parts of the product tell them to people."""


def run_page(
    public_url: str,
    workspace_id: int,
    job_id: int,
    run_id: int,
    task_run_id: int | None = None,
) -> str:
    """Return where a person sees a run, or one of its task runs; `o` names the workspace."""
    task = f"/tasks/{task_run_id}" if task_run_id is not None else ""
    return f"{public_url}/jobs/{job_id}/runs/{run_id}{task}?o={workspace_id}"
