"""`openlake jobs`: list, read and run jobs, and see what they were."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from control.cli.backfill import backfill
from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.cli.versions import diff, history, restore

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="List, read and run jobs; see what they were.",
)
app.command("history")(history)
app.command("diff")(diff)
app.command("restore")(restore)

app.command("backfill")(backfill)

JobId = Annotated[int, typer.Argument(help="As `openlake jobs list` shows it.")]


@app.command("list")
def list_jobs(
    name: Annotated[str | None, typer.Option(help="Only the job of this name.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    output: OutputOption = Output.text,
) -> None:
    """List jobs, newest first.

    [dim]Example: openlake jobs list --output json[/dim]
    """
    jobs = list(connect().pages("/api/2.2/jobs/list", "jobs", limit, name=name))
    if output is Output.json:
        print_json(jobs)
        return
    if not jobs:
        console.print("No jobs yet. `openlake bundle deploy FOLDER` makes some.")
        return
    table = quiet_table("job_id", "name", "owner", "starts next")
    for job in jobs:
        row = (str(job["job_id"]), job["settings"]["name"], job["creator_user_name"])
        table.add_row(*row, _starts_next(job))
    console.print(table)


def _starts_next(job: dict[str, Any]) -> str:
    """Say when a job starts by itself, or by what; blank when it does not."""
    state: dict[str, Any] | None = job.get("trigger_state")
    if state is None:
        return ""
    if at := state.get("next_fire_time"):
        return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    by = {"file_arrival": "on new files", "table": "on table updates", "continuous": "at once"}
    return next((words for name, words in by.items() if name in state), "")


@app.command("get")
def get_job(job_id: JobId) -> None:
    """Print a job's definition as JSON."""
    print_json(connect().get("/api/2.2/jobs/get", job_id=job_id))


@app.command("run")
def run_job(
    job_id: JobId,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="name=value; again for more.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run this task only; +key also what it needs, key+ what needs it."),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Stay until the run has ended.")] = True,
    output: OutputOption = Output.text,
) -> None:
    """Run a job now and follow it; fails when the run fails.

    [dim]Example: openlake jobs run 7 -p month=2 --only clean+ --no-follow[/dim]
    """
    from control.cli.runs import finish, parse_parameters

    api = connect()
    body: dict[str, Any] = {"job_id": job_id}
    if param:
        body["job_parameters"] = parse_parameters(param)
    if only:
        body["only"] = only
    run_id = int(api.post("/api/2.2/jobs/run-now", body)["run_id"])
    if not follow:
        print_json({"run_id": run_id}) if output is Output.json else console.print(f"run {run_id}")
        return
    finish(api, run_id, output)


@app.command("delete")
def delete_job(job_id: JobId) -> None:
    """Delete a job; its past runs stay readable."""
    connect().post("/api/2.2/jobs/delete", {"job_id": job_id})
    console.print(f"[green]✓[/] job {job_id} deleted")
