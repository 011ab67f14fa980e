"""`openlake jobs backfill`: run a job once for each of many past dates, with progress."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid, Unavailable

_PAUSE_S = 1.0
_SHOWN = 20


def backfill(
    job_id: Annotated[int, typer.Argument(help="As `openlake jobs list` shows it.")],
    first: Annotated[
        str | None, typer.Option("--from", help="The first logical date, e.g. 2026-01-01.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last one, included.")] = None,
    every: Annotated[
        str | None,
        typer.Option(help="30m, 6h, 1d, 1w or schedule; unset: the job's schedule, else 1d."),
    ] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", "-z", help="Of the dates.")] = None,
    max_concurrent: Annotated[int, typer.Option(help="Runs at a time.", min=1, max=1000)] = 1,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="name=value; {{backfill.iso_date}} is the date."),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Newest date first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the runs.")] = False,
    resume: Annotated[int | None, typer.Option(help="Follow this backfill again.")] = None,
    rerun: Annotated[
        int | None, typer.Option(help="Run the dates of this one again that did not succeed.")
    ] = None,
    cancel: Annotated[int | None, typer.Option(help="Cancel this backfill and its runs.")] = None,
    follow: Annotated[bool, typer.Option(help="Stay until the last run has ended.")] = True,
    output: OutputOption = Output.text,
) -> None:
    """Run a job once for each logical date of a range, and show how far it is.

    It goes on without this command; fails when a date failed.

    [dim]Example: openlake jobs backfill 7 --from 2026-01-01 --to 2026-01-31 --max-concurrent 3
    -p 'day={{backfill.iso_date}}'[/dim]
    """
    from control.cli.runs import parse_parameters

    api, path = connect(), f"/api/openlake/1.0/jobs/{job_id}/backfills"
    if cancel is not None:
        api.post(f"{path}/{cancel}/cancel", {})
        console.print(f"[green]✓[/] backfill {cancel} was asked to stop")
        return
    if resume is not None:
        started = api.get(f"{path}/{resume}", with_dates="false")
    elif rerun is not None:
        started = api.post(f"{path}/{rerun}/rerun", {})
    elif first is None or last is None:
        raise Invalid("say which dates: --from 2026-01-01 --to 2026-01-31")
    else:
        wish: dict[str, Any] = {
            "from": first,
            "to": last,
            "max_concurrent_runs": max_concurrent,
            "parameters": parse_parameters(parameter or []),
            "reverse": reverse,
            "dry_run": dry_run,
        }
        optional = {"every": every, "timezone_id": timezone}
        wish |= {name: value for name, value in optional.items() if value is not None}
        started = api.post(path, wish)
    if dry_run:
        _show_dates(started, output)
        return
    _finish(api, path, started, follow, output)


def _show_dates(view: dict[str, Any], output: Output) -> None:
    if output is Output.json:
        print_json(view)
        return
    table = quiet_table("logical date", "parameters")
    for date in view["dates"][:_SHOWN]:
        given = ", ".join(f"{name}={value}" for name, value in date.get("parameters", {}).items())
        table.add_row(date["at"], given)
    console.print(table)
    if view["total"] > _SHOWN:
        console.print(f"… and {view['total'] - _SHOWN} more")
    at_once = f"{view['max_concurrent_runs']} at a time"
    console.print(f"{view['total']} runs, {at_once}; nothing was started")


def _finish(api: Api, path: str, started: dict[str, Any], follow: bool, output: Output) -> None:
    backfill_id = started["backfill_id"]
    if not follow:
        if output is Output.json:
            print_json(started)
        else:
            console.print(f"backfill {backfill_id}: {started['total']} runs")
        return
    url = f"{path}/{backfill_id}"
    view = _follow(api, url, started, show=output is Output.text)
    if output is Output.json:
        print_json(api.get(url))
    else:
        told = f"{view['succeeded']} of {view['total']} succeeded, {view['failed']} failed"
        console.print(f"backfill {backfill_id}: {view['state'].lower()}, {told}")
        if view["state"] != "SUCCEEDED":
            console.print(
                f"[dim]`openlake jobs backfill {view['job_id']} --rerun {backfill_id}` runs again"
                " what did not succeed[/]"
            )
    if view["state"] != "SUCCEEDED":
        raise typer.Exit(1)


def _follow(api: Api, url: str, started: dict[str, Any], *, show: bool) -> dict[str, Any]:
    view = started
    if not show or not console.is_terminal:
        told = -1
        for view in _changes(api, url):
            if show and view["done"] * 10 // view["total"] > told:
                told = view["done"] * 10 // view["total"]
                console.print(_counts(view))
        return view
    columns = (
        TextColumn("backfill {task.fields[number]}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as live:
        bar = live.add_task("", total=view["total"], number=view["backfill_id"], counts="")
        for view in _changes(api, url):
            live.update(bar, completed=view["done"], counts=_counts(view))
    return view


def _counts(view: dict[str, Any]) -> str:
    done = f"{view['done']}/{view['total']} done"
    return f"{done}, {view['failed']} failed, {view['active']} active"


def _changes(api: Api, url: str) -> Iterator[dict[str, Any]]:
    """Yield the backfill about once a second until it has ended; a lost API is waited for."""
    while True:
        try:
            view = api.get(url, with_dates="false")
        except Unavailable:
            time.sleep(_PAUSE_S)
            continue
        yield view
        if view["state"] != "RUNNING":
            return
        time.sleep(_PAUSE_S)
