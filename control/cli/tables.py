"""`openlake tables`: look at tables, at what is in them and at who wrote it.

Also reads rows as the stack's first user through the catalog gateway, for `openlake demo`.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.cli.table_care import care
from control.cli.uploads import upload
from control.gateway.tokens import PrincipalClaims, issue
from control.stack.layout import Layout
from control.tokens.service import FIRST_USER, FIRST_WORKSPACE
from spec.errors import Invalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Look at tables, at what is in them and at who wrote it.",
)

Name = Annotated[str, typer.Argument(help="CATALOG.SCHEMA.TABLE; SCHEMA.TABLE is the stack's own.")]
BranchOption = Annotated[
    str | None, typer.Option(help="The branch of a run, while it is kept; main if unset.")
]
_PAGES = "/api/openlake/1.0/tables"


app.command("upload")(upload)
app.command("care")(care)


@app.command("list")
def list_tables(
    schema: Annotated[
        str, typer.Argument(help="CATALOG.SCHEMA; one word is a schema of the stack's own catalog.")
    ],
    output: OutputOption = Output.text,
) -> None:
    """List the tables and views of a schema.

    [dim]Example: openlake tables list lakehouse.gold[/dim]
    """
    catalog, _, rest = schema.partition(".")
    if not rest:
        catalog, rest = "lakehouse", schema
    query = {"catalog_name": catalog, "schema_name": rest}
    found = list(connect().pages("/api/2.1/unity-catalog/tables", "tables", 100_000, **query))
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print(f"No tables in {catalog}.{rest} yet.")
        return
    table = quiet_table("table", "kind")
    for each in found:
        table.add_row(each["full_name"], each["table_type"].lower())
    console.print(table)


@app.command("get")
def get_table(name: Name, branch: BranchOption = None, output: OutputOption = Output.text) -> None:
    """Show a table's columns, partitioning and size.

    [dim]Example: openlake tables get lakehouse.gold.delays[/dim]
    """
    page = connect().get(_path(name), branch=branch)
    if output is Output.json:
        print_json(page)
        return
    console.print(f"[bold]{page['full_name']}[/]  {page['kind'].lower()} at {page['location']}")
    for label, words in _facts(page):
        console.print(f"[dim]{label:<12}[/] {words}", soft_wrap=True)
    for view in page["view"]:
        console.print(f"\n[dim]{view['dialect']}[/]\n{view['sql']}", soft_wrap=True)
    console.print()
    table = quiet_table("column", "type", "", "")
    for field in page["fields"]:
        required = "not null" if field["required"] else ""
        table.add_row(field["name"], field["type"], required, field.get("doc", ""))
    console.print(table)


@app.command("snapshots")
def list_snapshots(
    name: Name,
    branch: BranchOption = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List what changed a table, newest first, and who did it.

    [dim]Example: openlake tables snapshots lakehouse.gold.delays --limit 5[/dim]
    """
    api, path = connect(), _path(name, "snapshots")
    found = list(api.pages(path, "snapshots", limit, branch=branch))
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print(f"{name} has no snapshots: nothing was written to it yet.")
        return
    table = quiet_table("snapshot", "when", "operation", "rows", "total", "by")
    table.columns[0].min_width = 19  # an id that is cut is of no use
    table.columns[-1].overflow = "fold"
    for each in found:
        added, deleted = each.get("added_rows"), each.get("deleted_rows")
        rows = "" if added is None else f"+{added:,} -{deleted or 0:,}"
        table.add_row(
            each["snapshot_id"],
            _time(each["at"]),
            each.get("operation", ""),
            rows,
            _count(each.get("total_rows")),
            _who(each.get("writer")),
        )
    console.print(table)


@app.command("files")
def list_files(
    name: Name,
    branch: BranchOption = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 100,
    output: OutputOption = Output.text,
) -> None:
    """List the files that a table consists of now.

    [dim]Example: openlake tables files lakehouse.gold.delays --output json[/dim]
    """
    found = list(connect().pages(_path(name, "files"), "files", limit, branch=branch))
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print(f"{name} has no files: it is empty.")
        return
    table = quiet_table("rows", "bytes", "partition", "file")
    table.columns[-1].overflow = "fold"
    for each in found:
        values = ", ".join(f"{field}={value}" for field, value in each["values"].items())
        table.add_row(_count(each["rows"]), _count(each["bytes"]), values, each["path"])
    console.print(table)


@app.command("sample")
def sample(
    name: Name,
    branch: BranchOption = None,
    limit: Annotated[int, typer.Option(help="How many rows at most.", min=1, max=1000)] = 10,
    output: OutputOption = Output.text,
) -> None:
    """Show some rows of a table.

    [dim]Example: openlake tables sample lakehouse.gold.delays --limit 3[/dim]
    """
    found = connect().get(_path(name, "sample"), limit=limit, branch=branch)
    if output is Output.json:
        print_json(found)
        return
    if not found["rows"]:
        console.print(f"{name} has no rows.")
        return
    from rich.markup import escape

    table = quiet_table(*(escape(column["name"]) for column in found["columns"]))
    for row in found["rows"]:
        table.add_row(*("[dim]null[/]" if cell is None else escape(cell) for cell in row))
    console.print(table)
    if not found["deletes_applied"]:
        console.print("[dim]The table has many deletes; some of these rows may be deleted.[/]")


def _path(name: str, tail: str = "") -> str:
    parts = name.split(".")
    if len(parts) < 2 or not all(parts):
        raise Invalid(f"'{name}' is no table's name; give CATALOG.SCHEMA.TABLE")
    full = f"lakehouse.{name}" if len(parts) == 2 else name
    return f"{_PAGES}/{quote(full, safe='')}" + (f"/{tail}" if tail else "")


def _facts(page: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a table as (label, words)."""
    facts: list[tuple[str, str]] = []
    if size := page.get("statistics"):
        facts.append(
            (
                "size",
                f"{_count(size.get('rows'))} rows, {_count(size.get('bytes'))} bytes in"
                f" {_count(size.get('data_files'))} files",
            )
        )
    for label, field in (("partitions", "partition_fields"), ("sorted by", "sort_fields")):
        if page[field]:
            words = (f"{each['transform']}({each['column']})" for each in page[field])
            facts.append((label, ", ".join(words)))
    if last := page.get("snapshot"):
        words = f"{_time(last['at'])}, {last.get('operation', 'written')}"
        facts.append(("last change", f"{words} {_who(last.get('writer'))}"))
    if page.get("comment"):
        facts.append(("comment", page["comment"]))
    return facts


def _who(writer: dict[str, Any] | None) -> str:
    """Say who made a snapshot."""
    if writer is None:
        return ""
    if writer.get("run_id"):
        return f"task {writer.get('task_key', '')} of run {writer['run_id']}"
    return "another workspace" if writer.get("elsewhere") else f"by {writer.get('user', '')}"


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def open_catalog(layout: Layout) -> Any:
    """Return a PyIceberg catalog on the stack's gateway, as its first user."""
    from pyiceberg.catalog import load_catalog

    claims = PrincipalClaims(
        workspace_id=FIRST_WORKSPACE,
        user=FIRST_USER,
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    store = layout.s3("lakehouse")
    return load_catalog(
        "lakehouse",
        **{
            "type": "rest",
            "uri": layout.gateway_iceberg_url,
            "warehouse": "lakehouse",
            "token": issue(layout.secret("signing-key"), claims),
            "s3.endpoint": store.endpoint,
            "s3.region": store.region,
            "s3.access-key-id": store.access_key,
            "s3.secret-access-key": store.secret_key,
        },
    )


def read_rows(layout: Layout, table: str, limit: int) -> tuple[list[str], list[list[str]]]:
    """Return the column names and the first rows of `schema.table`, every cell as text."""
    scan: Any = open_catalog(layout).load_table(table).scan(limit=limit)
    found = scan.to_arrow()
    rows = [[_text(row[name]) for name in found.column_names] for row in found.to_pylist()]
    return list(found.column_names), rows


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
