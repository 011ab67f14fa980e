"""`openlake warehouses`: SQL warehouses, by name or id."""

import time
from typing import Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table, steps
from spec.attempts import SqlDialect
from spec.errors import NotFound, Unavailable
from spec.tasks import Engine
from spec.warehouses import ClusterSize

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Start, stop and change SQL warehouses.",
)

_API = "/api/2.0/sql/warehouses"
_PAUSE_S = 0.3
_PATIENCE_S = 300.0

_MARKS = {
    "RUNNING": "[green]●[/] running",
    "STARTING": "[yellow]●[/] starting",
    "STOPPING": "[yellow]●[/] stopping",
    "DELETING": "[yellow]●[/] deleting",
    "STOPPED": "[dim]○ stopped[/]",
}

Which = Annotated[str, typer.Argument(help="The warehouse's name or id.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is so.")]
Size = Annotated[ClusterSize | None, typer.Option(help="Memory and threads of each process.")]
Least = Annotated[int | None, typer.Option("--min", help="Processes that it has at least.")]
Most = Annotated[int | None, typer.Option("--max", help="Processes that it may grow to.")]
Rest = Annotated[
    int | None, typer.Option("--auto-stop", help="Minutes of idleness; 0 is never, else 10 up.")
]
Dialect = Annotated[
    SqlDialect | None,
    typer.Option(help="`databricks` is translated, `engine` is sent as it is."),
]
Catalog = Annotated[str | None, typer.Option(help="Of names without one.")]
Schema = Annotated[str | None, typer.Option(help="Of names without one.")]


@app.command("list")
def list_warehouses(output: OutputOption = Output.text) -> None:
    """List the warehouses.

    [dim]Example: openlake warehouses list[/dim]
    """
    found = _all(connect())
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("name", "id", "state", "engine", "size", "processes", "open statements")
    table.columns[1].no_wrap, table.columns[1].min_width = True, 16
    for each in found:
        limits = f"{each['num_clusters']} of {each['min_num_clusters']}–{each['max_num_clusters']}"
        state = _MARKS.get(each["state"], each["state"].lower())
        named = (each["name"], each["id"], state, each["engine"], each["cluster_size"])
        table.add_row(*named, limits, str(each["num_active_sessions"]))
    console.print(table)
    for each in found:
        _show_health(each)


@app.command("get")
def get(warehouse: Which, output: OutputOption = Output.text) -> None:
    """Show one warehouse.

    [dim]Example: openlake warehouses get duckdb[/dim]
    """
    found = _find(connect(), warehouse)
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("", "")
    table.show_header = False
    auto_stop = f"{found['auto_stop_mins']} min" if found["auto_stop_mins"] else "never"
    rows = {
        "name": found["name"],
        "id": found["id"],
        "state": _MARKS.get(found["state"], found["state"].lower()),
        "engine": f"{found['engine']}, statements in {found['dialect']} SQL",
        "size": found["cluster_size"],
        "processes": f"{found['num_clusters']} ready, {found['min_num_clusters']} to"
        f" {found['max_num_clusters']}",
        "auto-stop": auto_stop,
        "names in": f"{found.get('catalog', 'lakehouse')}.{found.get('schema', '(no schema)')}",
        "creator": found["creator_name"],
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    console.print(table)
    _show_health(found)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Unique in the workspace.")],
    engine: Annotated[Engine | None, typer.Option(help="`duckdb` (if unset) or `trino`.")] = None,
    size: Size = None,
    least: Least = None,
    most: Most = None,
    auto_stop: Rest = None,
    dialect: Dialect = None,
    catalog: Catalog = None,
    schema: Schema = None,
    no_wait: NoWait = False,
    output: OutputOption = Output.text,
) -> None:
    """Make a warehouse and start it.

    [dim]Example: openlake warehouses create bi --size Small --max 4 --auto-stop 30[/dim]
    """
    fields = _fields(size, least, most, auto_stop, dialect, catalog, schema)
    api = connect()
    made = api.post(_API, {"name": name, **({"engine": engine.value} if engine else {}), **fields})
    _reach(api, made["id"], name, "RUNNING", no_wait=no_wait, output=output)


@app.command("edit")
def edit(
    warehouse: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    size: Size = None,
    least: Least = None,
    most: Most = None,
    auto_stop: Rest = None,
    dialect: Dialect = None,
    catalog: Catalog = None,
    schema: Schema = None,
    no_wait: NoWait = False,
    output: OutputOption = Output.text,
) -> None:
    """Change a warehouse; a running one is started anew where it must be.

    [dim]Example: openlake warehouses edit bi --size Large[/dim]
    """
    api = connect()
    found = _find(api, warehouse)
    fields = _fields(size, least, most, auto_stop, dialect, catalog, schema)
    api.post(f"{_API}/{found['id']}/edit", {**({"name": name} if name else {}), **fields})
    target = "STOPPED" if found["state"] in ("STOPPED", "STOPPING") else "RUNNING"
    _reach(api, found["id"], name or found["name"], target, no_wait=no_wait, output=output)


@app.command("start")
def start(warehouse: Which, no_wait: NoWait = False, output: OutputOption = Output.text) -> None:
    """Start a warehouse. A statement would start it too.

    [dim]Example: openlake warehouses start duckdb[/dim]
    """
    api = connect()
    found = _find(api, warehouse)
    api.post(f"{_API}/{found['id']}/start", {})
    _reach(api, found["id"], found["name"], "RUNNING", no_wait=no_wait, output=output)


@app.command("stop")
def stop(warehouse: Which, no_wait: NoWait = False, output: OutputOption = Output.text) -> None:
    """Stop a warehouse, and the statements that are open on it.

    [dim]Example: openlake warehouses stop duckdb[/dim]
    """
    api = connect()
    found = _find(api, warehouse)
    api.post(f"{_API}/{found['id']}/stop", {})
    _reach(api, found["id"], found["name"], "STOPPED", no_wait=no_wait, output=output)


@app.command("delete")
def delete(warehouse: Which, output: OutputOption = Output.text) -> None:
    """Delete a warehouse; jobs that name it fail when they run next.

    [dim]Example: openlake warehouses delete bi[/dim]
    """
    api = connect()
    found = _find(api, warehouse)
    api.delete(f"{_API}/{found['id']}")
    if output is Output.json:
        print_json({"id": found["id"]})
    else:
        console.print(f"[green]✓[/] warehouse {found['name']} deleted")


def _fields(
    size: ClusterSize | None,
    least: int | None,
    most: int | None,
    auto_stop: int | None,
    dialect: SqlDialect | None,
    catalog: str | None,
    schema: str | None,
) -> dict[str, Any]:
    given: dict[str, Any] = {
        "cluster_size": size.value if size else None,
        "min_num_clusters": least,
        "max_num_clusters": most,
        "auto_stop_mins": auto_stop,
        "dialect": dialect.value if dialect else None,
        "catalog": catalog,
        "schema": schema,
    }
    return {name: value for name, value in given.items() if value is not None}


def _all(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = api.get(_API, page_token=token)
        found += page["warehouses"]
        token = page.get("next_page_token")
        if not token:
            return found


def _find(api: Api, which: str) -> dict[str, Any]:
    """Return a warehouse by its id or, if none has that, by its name.

    Raises:
        NotFound: there is none; says which there are.
    """
    found = _all(api)
    for field in ("id", "name"):
        for each in found:
            if each[field] == which:
                return each
    names = ", ".join(each["name"] for each in found)
    raise NotFound(f"there is no warehouse '{which}'; there are {names}")


def _reach(
    api: Api, warehouse_id: str, name: str, target: str, *, no_wait: bool, output: Output
) -> None:
    """Wait until a warehouse is as it was asked to be, and show it.

    Raises:
        Unavailable: it cannot be so; says why.
    """
    path = f"{_API}/{warehouse_id}"
    found = api.get(path)
    if not no_wait:
        if output is Output.json:
            found = _wait(api, path, target)
        else:
            with steps() as progress:
                progress.begin(name, found["state"].lower())
                try:
                    found = _wait(api, path, target)
                except Unavailable as error:
                    progress.fail(name, error.message)
                    raise
                progress.end(name, found["state"].lower())
    if output is Output.json:
        print_json(found)
    elif no_wait:
        console.print(f"{name} ({warehouse_id}) is {found['state'].lower()}")


def _wait(api: Api, path: str, target: str) -> dict[str, Any]:
    end = time.monotonic() + _PATIENCE_S
    while True:
        found = api.get(path)
        if found["state"] == target:
            return found
        if target == "RUNNING" and found["state"] == "STOPPED":
            why = found["health"].get("summary") or "somebody stopped it"
            raise Unavailable(f"{found['name']} did not start: {why}")
        if time.monotonic() > end:
            raise Unavailable(f"{found['name']} is still {found['state'].lower()}")
        time.sleep(_PAUSE_S)


def _show_health(found: dict[str, Any]) -> None:
    health = found["health"]
    if health["status"] != "HEALTHY":
        colour = "red" if health["status"] == "FAILED" else "yellow"
        word = health["status"].lower()
        console.print(f"\n[{colour}]{found['name']}[/] {word}: {health['summary']}")
