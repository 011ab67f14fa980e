"""`openlake queries`: keep, run, compare and restore SQL queries, by name or id."""

import re
from datetime import datetime
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any

import typer
from rich.markup import escape

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.cli.sql import (
    FormOption,
    LimitOption,
    OutOption,
    WarehouseOption,
    finish,
    form_of,
)
from control.cli.sql_terminal.session import Session, choose
from control.cli.sql_terminal.showing import TABLE_ROWS
from control.cli.sql_terminal.writing import Form
from control.cli.versions import change_lines, when
from spec.api.query_history import QueryStatus
from spec.errors import Invalid, NotFound

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Keep, run, compare and restore SQL queries.",
)

_MARKS = {
    "FINISHED": "[green]✓[/]",
    "FAILED": "[red]✗[/]",
    "CANCELED": "[yellow]■[/]",
    "RUNNING": "[cyan]…[/] running",
    "QUEUED": "[dim]…[/] queued",
}

_API = "/api/2.0/sql/queries"
_OWN = "/api/openlake/1.0/queries"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")

Which = Annotated[str, typer.Argument(help="The query's name or id.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="Take the text from a file.", exists=True)
]
TextOption = Annotated[str | None, typer.Option("--text", help="The SQL.")]
DefaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        help="Declare name=default: a number, a date, start..end, else text. Again for more.",
    ),
]


@app.command("list")
def list_queries(
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 100,
    output: OutputOption = Output.text,
) -> None:
    """List queries, newest first.

    [dim]Example: openlake queries list[/dim]
    """
    found = list(connect().pages(_API, "results", limit))
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print("No queries yet. `openlake queries create NAME --text SQL` makes one.")
        return
    table = quiet_table("name", "parameters", "changed (UTC)", "id")
    table.columns[-1].no_wrap = True
    for each in found:
        names = ", ".join(parameter["name"] for parameter in each["parameters"])
        changed = each["update_time"].replace("T", " ")[:16]
        row = (each["display_name"], names, changed, each["id"])
        table.add_row(*map(escape, row))
    console.print(table)


@app.command("get")
def get_query(query: Which, output: OutputOption = Output.text) -> None:
    """Show a query.

    [dim]Example: openlake queries get daily[/dim]
    """
    api = connect()
    found = api.get(f"{_API}/{_find(api, query)}")
    if output is Output.json:
        print_json(found)
        return
    console.print(f"[bold]{escape(found['display_name'])}[/]  [dim]{found['id']}[/]")
    for name in ("description", "warehouse_id", "catalog", "schema"):
        if found.get(name):
            console.print(f"[dim]{name.removesuffix('_id')}[/] {escape(found[name])}")
    for parameter in found["parameters"]:
        kind = next(key for key in parameter if key.endswith("_value"))
        default = next(iter(parameter[kind].values()), None) if parameter[kind] else None
        console.print(
            f"[cyan]:{parameter['name']}[/] [dim]{kind.removesuffix('_value')}[/]"
            f" {escape(str(default))}"
        )
    console.print(found["query_text"], soft_wrap=True, markup=False)


@app.command("create")
def create_query(
    name: Annotated[str, typer.Argument(help="Of your own, unique in your folder.")],
    text: TextOption = None,
    file: FileOption = None,
    param: DefaultOption = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse", "-w", help="Its id.")] = None,
    catalog: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    schema: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    output: OutputOption = Output.text,
) -> None:
    """Keep a query.

    [dim]Example: openlake queries create daily --text "SELECT * FROM t WHERE n >= :n" -p n=10[/dim]
    """
    sql = _text(text, file)
    if sql is None:
        raise typer.BadParameter("give the SQL with --text or --file")
    fields = {
        "display_name": name,
        "query_text": sql,
        "parameters": [_declared(each) for each in param or []],
        "warehouse_id": warehouse,
        "catalog": catalog,
        "schema": schema,
        "description": description,
    }
    given = {key: value for key, value in fields.items() if value is not None}
    made = connect().post(_API, {"query": given})
    _said(made, f"query {made['id']} kept", output)


@app.command("edit")
def edit_query(
    query: Which,
    text: TextOption = None,
    file: FileOption = None,
    param: DefaultOption = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    warehouse: Annotated[str | None, typer.Option("--warehouse", "-w", help="Its id.")] = None,
    catalog: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    schema: Annotated[str | None, typer.Option(help="Of names without one.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    output: OutputOption = Output.text,
) -> None:
    """Change a query; what it was stays a version.

    [dim]Example: openlake queries edit daily --file daily.sql[/dim]
    """
    api = connect()
    query_id = _find(api, query)
    fields = {
        "display_name": name,
        "query_text": _text(text, file),
        "parameters": None if param is None else [_declared(each) for each in param],
        "warehouse_id": warehouse,
        "catalog": catalog,
        "schema": schema,
        "description": description,
    }
    given = {key: value for key, value in fields.items() if value is not None}
    if not given:
        raise typer.BadParameter("say what is to change, e.g. --file daily.sql")
    body = {"query": given, "update_mask": ",".join(given)}
    changed = api.patch(f"{_API}/{query_id}", body)
    _said(changed, f"query '{changed['display_name']}' changed", output)


@app.command("run")
def run_query(
    query: Which,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="name=value; again for more, or for several values."),
    ] = None,
    warehouse: WarehouseOption = None,
    form: FormOption = None,
    out: OutOption = None,
    limit: LimitOption = None,
) -> None:
    """Run a query and show its answer; exit codes as `openlake sql`.

    [dim]Example: openlake queries run daily -p n=10 -p span=2024-01-01..2024-01-31[/dim]
    """
    chosen = form_of(form, out, interactive=False)
    api = connect()
    query_id = _find(api, query)
    shown = api.get(f"{_API}/{query_id}")
    place = choose(api, warehouse or shown["warehouse_id"] or None)
    body = {
        "parameters": _given(param or []),
        "warehouse_id": place.id,
        "row_limit": limit or (TABLE_ROWS if chosen is Form.table else None),
    }
    session = Session(api, place)
    path = f"{_OWN}/{query_id}/run"
    finish(lambda told: session.follow(path, body, told), shown["query_text"], chosen, out)


@app.command("versions")
def list_versions(
    query: Which,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List the versions of a query, newest first: who made them, when and how.

    [dim]Example: openlake queries versions daily[/dim]
    """
    api = connect()
    versions = list(api.pages(f"{_OWN}/{_find(api, query)}/versions", "versions", limit))
    if output is Output.json:
        print_json(versions)
        return
    table = quiet_table("version", "when", "by", "how")
    for each in versions:
        table.add_row(str(each["version"]), when(each), each["editor"], each["cause"])
    console.print(table)


@app.command("diff")
def diff(
    query: Which,
    before: Annotated[
        int | None, typer.Argument(metavar="[N]", help="A version; else the newest.")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="[M]", help="Another one, to compare N with.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Show what a version changed, or all that changed from version N to version M.

    [dim]Example: openlake queries diff daily 2 5[/dim]
    """
    api = connect()
    path = f"{_OWN}/{_find(api, query)}/versions"
    number = after or before or next(api.pages(path, "versions", 1))["version"]
    found = api.get(f"{path}/{number}/diff", against=before if after is not None else None)
    if output is Output.json:
        print_json(found)
        return
    if not found["changes"]:
        console.print("No difference.")
    for change in found["changes"]:
        for line in change_lines(change["path"], change.get("before"), change.get("after")):
            console.print(line, soft_wrap=True)


@app.command("restore")
def restore(
    query: Which,
    version: Annotated[int, typer.Argument(help="As `openlake queries versions` shows it.")],
    output: OutputOption = Output.text,
) -> None:
    """Give a query the content of an earlier version again, as a new version.

    [dim]Example: openlake queries restore daily 2[/dim]
    """
    api = connect()
    answer = api.post(f"{_OWN}/{_find(api, query)}/versions/{version}/restore", {})
    _said(answer, f"'{query}' is as in version {version}, now version {answer['version']}", output)


@app.command("history")
def history(
    warehouse: Annotated[
        str | None, typer.Option("--warehouse", "-w", help="Of this one only: its id.")
    ] = None,
    status: Annotated[
        QueryStatus | None, typer.Option(help="Only those, e.g. FAILED or RUNNING.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List the statements that were sent to warehouses, newest first, and how they ended.

    [dim]Example: openlake queries history --status FAILED[/dim]
    """
    found = _history(connect(), limit, warehouse, status)
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print('No statements yet. `openlake sql "SELECT 1"` sends one.')
        return
    table = quiet_table("when", "", "took", "rows", "warehouse", "user", "statement")
    for name in (2, 3):
        table.columns[name].justify = "right"
    room = max(20, console.width - 66)
    for each in found:
        at = datetime.fromtimestamp(each["query_start_time_ms"] / 1000).astimezone()
        rows = each.get("rows_produced")
        table.add_row(
            f"{at:%m-%d %H:%M:%S}",
            _MARKS.get(each["status"], each["status"].lower()),
            f"{each['duration'] / 1000:.2f} s",
            "" if rows is None else f"{rows:,}",
            escape(each["warehouse_id"]),
            escape(each["user_name"].partition("@")[0]),
            escape(shorten(each["query_text"], room, placeholder="…")),
        )
    console.print(table)


def _history(
    api: Api, limit: int, warehouse: str | None, status: QueryStatus | None
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {
        "filter_by.warehouse_ids": warehouse,
        "filter_by.statuses": status and status.value,
    }
    token: str | None = None
    while len(found) < limit:
        most = min(limit - len(found), 999)
        page = api.get("/api/2.0/sql/history/queries", max_results=most, page_token=token, **query)
        found += page["res"]
        token = page.get("next_page_token")
        if not token:
            break
    return found


@app.command("delete")
def delete_query(query: Which) -> None:
    """Put a query into the trash; runs that pinned it keep what they have.

    [dim]Example: openlake queries delete daily[/dim]
    """
    api = connect()
    api.delete(f"{_API}/{_find(api, query)}")
    console.print(f"[green]✓[/] query '{escape(query)}' is in the trash")


def _find(api: Api, query: str) -> str:
    """Return the id of the query of this name or id.

    Raises:
        NotFound: there is none.
        Invalid: there are several of this name, in several folders.
    """
    if _ID.fullmatch(query):
        return query
    found = [each for each in api.pages(_API, "results", 100_000) if each["display_name"] == query]
    if not found:
        raise NotFound(f"there is no query '{query}'; `openlake queries list` shows all")
    if len(found) > 1:
        places = ", ".join(f"{each['parent_path']} ({each['id']})" for each in found)
        raise Invalid(f"there are {len(found)} queries '{query}': give an id, {places}")
    return str(found[0]["id"])


def _text(text: str | None, file: Path | None) -> str | None:
    if text is not None and file is not None:
        raise typer.BadParameter("give the SQL with --text or --file, not both")
    return text if file is None else file.read_text("utf-8")


def _declared(given: str) -> dict[str, Any]:
    """Read `name=default` as a parameter of the kind that its default looks like."""
    if not _VALUE.match(given):
        raise typer.BadParameter(f"'{given}' is not name=default")
    name, _, default = given.partition("=")
    if re.fullmatch(r"-?\d+", default):
        return {"name": name, "numeric_value": {"value": int(default)}}
    if re.fullmatch(r"-?\d+\.\d+", default):
        return {"name": name, "numeric_value": {"value": float(default)}}
    day = r"\d{4}-\d\d-\d\d"
    if re.fullmatch(day, default):
        return {"name": name, "date_value": {"date_value": default}}
    if re.fullmatch(rf"{day}\.\.{day}", default):
        start, _, end = default.partition("..")
        return {
            "name": name,
            "date_range_value": {"date_range_value": {"start": start, "end": end}},
        }
    return {"name": name, "text_value": {"value": default}}


def _given(values: list[str]) -> dict[str, Any]:
    """Read `name=value`; what comes more than once is a list."""
    given: dict[str, Any] = {}
    for each in values:
        if not _VALUE.match(each):
            raise typer.BadParameter(f"'{each}' is not name=value")
        name, _, value = each.partition("=")
        if name not in given:
            given[name] = value
        elif isinstance(given[name], list):
            given[name].append(value)
        else:
            given[name] = [given[name], value]
    return given


def _said(answer: dict[str, Any], words: str, output: Output) -> None:
    if output is Output.json:
        print_json(answer)
    else:
        console.print(f"[green]✓[/] {escape(words)}")
