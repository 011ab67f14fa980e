"""`openlake demo`: the example job from nothing to its results."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from control.cli.bundle import carry_out, prepare
from control.cli.bundles.folder import Reader
from control.cli.client import Api, connect
from control.cli.output import console, quiet_table
from control.cli.runs import finish, parse_parameters
from control.stack.layout import Layout
from spec.bundle_ids import ResourceKey

_EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "flights"
_GOLD = "lakehouse.gold.carrier_ranking"


def demo(
    warehouse: Annotated[str, typer.Option(help="The SQL engine: duckdb or trino.")] = "duckdb",
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="A job parameter, e.g. month=2; again for more."),
    ] = None,
) -> None:
    """Run the example job and follow it: real flights, from raw files to tables and a model.

    [dim]Example: openlake demo -p month=2 -p carriers=UA,B6[/dim]
    """
    from control.cli.stack import make_layout, start_stack

    layout = make_layout()
    started = start_stack(layout, "full" if warehouse == "trino" else "embedded")
    console.print(f"[green]Up[/] · {len(started) or 'no'} parts started · {layout.data_dir}\n")
    run_id: int | None = None
    api = connect()
    try:
        user = str(api.get("/api/2.0/preview/scim/v2/Me")["userName"])
        reader = Reader(_EXAMPLE, None, [f"warehouse={warehouse}"], user, api.url)
        deployer = prepare(api, reader)
        made = carry_out(deployer, deployer.plan(), quiet=True)
        job_id = int(made[ResourceKey("jobs", "flights")])
        console.print(f"[bold]flights[/] is job {job_id}\n")
        parameters = parse_parameters(param or [])
        body: dict[str, Any] = {"job_id": job_id, "job_parameters": parameters}
        run_id = int(api.post("/api/2.2/jobs/run-now", body)["run_id"])
        run = finish(api, run_id)
    except KeyboardInterrupt:
        _leave(api, layout, run_id, stop=bool(started))
        raise
    _show_results(api, layout, run)


def _leave(api: Api, layout: Layout, run_id: int | None, *, stop: bool) -> None:
    """Leave nothing running that this demo started."""
    from control.cli.stack import stop_stack

    console.print("\nInterrupted.")
    if run_id is not None:
        api.post("/api/2.2/jobs/runs/cancel", {"run_id": run_id})
        console.print(f"Run {run_id} was asked to stop.")
    if stop:
        stop_stack(layout)


def _show_results(api: Api, layout: Layout, run: dict[str, Any]) -> None:
    outputs = _outputs(api, run)
    _show_ranking(layout)
    values: dict[str, Any] = outputs.get("train", {}).get("values", {})
    if values:
        scores = ", ".join(f"{name} {_short(value)}" for name, value in sorted(values.items()))
        console.print(f"\n[bold]The model[/] (train)  {scores}")
    _show_lineage(api, run)
    console.print("\n[bold]Look around[/]")
    places = {
        "Console": f"{layout.api_url} (`openlake console` signs you in)",
        "REST API": f"{layout.api_url}/api/docs",
        "MLflow": f"{layout.mlflow_url} (password: {layout.secrets_dir / 'mlflow'})",
        "Temporal": layout.temporal_ui_url,
    }
    for name, url in places.items():
        console.print(f"  {name:<10} {url}")
    console.print(
        "\n[dim]`openlake runs list` shows runs, `openlake env` prints what clients need,"
        " `openlake down` stops all.[/]"
    )


def _outputs(api: Api, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    base = "/api/openlake/1.0/task-runs"
    return {
        task["task_key"]: api.get(f"{base}/{task['run_id']}/output")
        for task in run.get("tasks", [])
        if task.get("run_id") and task["state"].get("result_state") == "SUCCESS"
    }


def _short(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else json.dumps(value)


def _show_ranking(layout: Layout) -> None:
    """Read the gold table as any client would: through the gateway."""
    from control.cli.tables import read_rows

    columns, rows = read_rows(layout, _GOLD.removeprefix("lakehouse."), limit=8)
    console.print(f"\n[bold]{_GOLD}[/], the first rows")
    table = quiet_table()
    for column in columns:
        table.add_column(column, no_wrap=True, max_width=24, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _show_lineage(api: Api, run: dict[str, Any]) -> None:
    graph = api.get(f"/api/openlake/1.0/lineage/runs/{run['run_id']}")
    known = {node["id"] for node in graph.get("nodes", [])}
    tasks = dict.fromkeys(task["task_key"] for task in run["tasks"])
    jobs = [job for key in tasks if (job := f"job:{run['run_name']}.{key}") in known]
    console.print("\n[bold]Lineage[/]")
    table = quiet_table("reads", "", "task", "", "writes")
    for job in jobs:
        edges: list[dict[str, Any]] = graph["edges"]
        reads = sorted(_table(edge["source"]) for edge in edges if edge["target"] == job)
        writes = sorted(_table(edge["target"]) for edge in edges if edge["source"] == job)
        if reads or writes:
            into, out = ("[cyan]→[/]" if side else "" for side in (reads, writes))
            task = job.rpartition(".")[2]
            table.add_row("\n".join(reads), into, task, out, "\n".join(writes))
    console.print(table)


def _table(node_id: str) -> str:
    return node_id.removeprefix("dataset:").removeprefix("lakehouse.")
