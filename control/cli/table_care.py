"""`openlake tables care`: one run of a table_care task, followed to its end."""

import sys
from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.follow import Follower
from control.cli.output import Output, OutputOption, console, print_json, quiet_table


def care(
    tables: Annotated[
        list[str], typer.Argument(help="schema.table, 'schema.*' or '*'; several may be given.")
    ],
    compact: Annotated[
        bool, typer.Option("--compact", help="Rewrite small data files into large ones.")
    ] = False,
    manifests: Annotated[
        bool, typer.Option("--rewrite-manifests", help="Rewrite the manifests into few.")
    ] = False,
    expire: Annotated[
        bool,
        typer.Option("--expire-snapshots", help="Delete what only states before the history need."),
    ] = False,
    orphans: Annotated[
        bool,
        typer.Option("--remove-orphan-files", help="Delete files that no state refers to."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; tell what would go.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Care for tables once; a job with a `table_care_task` does it again and again.

    [dim]Example: openlake tables care 'shop.*' --compact --rewrite-manifests[/dim]
    """
    task: dict[str, Any] = {"tables": tables, "rewrite_manifests": manifests, "dry_run": dry_run}
    steps = {"compact": compact, "expire_snapshots": expire, "remove_orphan_files": orphans}
    task |= {name: {} for name, wanted in steps.items() if wanted}
    request = {
        "run_name": "table care",
        "tasks": [{"task_key": "care", "table_care_task": task}],
    }
    api = connect()
    run_id = int(api.post("/api/2.2/jobs/runs/submit", request)["run_id"])
    run = Follower(api, run_id).follow(show=output is Output.text)
    left = api.get("/api/2.2/jobs/runs/get-output", run_id=run_id)
    result = left.get("sql_output", {}).get("query_output", {})
    rows = [dict(zip(result["columns"], row, strict=True)) for row in result.get("rows", ())]
    if output is Output.json:
        print_json({"run_id": run_id, "state": run["state"], "rows": rows})
    elif rows:
        _show(rows)
    if run["state"].get("result_state") != "SUCCESS":
        sys.exit(1)


def _show(rows: list[dict[str, str]]) -> None:
    shown = quiet_table("table", "step", "files", "bytes", "manifests", "deleted")
    for row in rows:
        pairs = [_change(row, name) for name in ("files", "bytes", "manifests")]
        shown.add_row(row["table"], row["step"], *pairs, f"{int(row['deleted_files']):,}")
    console.print(shown)


def _change(row: dict[str, str], name: str) -> str:
    return f"{int(row[f'{name}_before']):,} → {int(row[f'{name}_after']):,}"
