"""`openlake catalogs` and `openlake schemas`: what there is to look into."""

from typing import Annotated

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table

catalogs = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="See which catalogs of tables there are.",
)
schemas = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="See the schemas of a catalog.",
)

_API = "/api/2.1/unity-catalog"


@catalogs.callback()
@schemas.callback()
def group() -> None:
    """Keep `list` a word of its own."""


@catalogs.command("list")
def list_catalogs(output: OutputOption = Output.text) -> None:
    """List the stack's own catalog and those of OPENLAKE_CATALOGS.

    [dim]Example: openlake catalogs list --output json[/dim]
    """
    found = list(connect().pages(f"{_API}/catalogs", "catalogs", 10_000))
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("catalog", "type", "where")
    for each in found:
        properties = each["properties"]
        table.add_row(each["name"], properties["type"], properties.get("uri", "this stack"))
    console.print(table)


@schemas.command("list")
def list_schemas(
    catalog: Annotated[
        str, typer.Argument(help="As `openlake catalogs list` shows it.")
    ] = "lakehouse",
    output: OutputOption = Output.text,
) -> None:
    """List the schemas of a catalog.

    [dim]Example: openlake schemas list hive[/dim]
    """
    found = list(connect().pages(f"{_API}/schemas", "schemas", 10_000, catalog_name=catalog))
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print(
            f"No schemas in {catalog} yet. A task makes one: `CREATE SCHEMA {catalog}.NAME`."
        )
        return
    for each in found:
        console.print(each["full_name"])
