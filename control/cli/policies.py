"""`openlake policies`: cluster policies, by name or id."""

from pathlib import Path
from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import NotFound

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Make and read cluster policies.",
)

_API = "/api/2.0/policies/clusters"


@app.command("list")
def list_policies(output: OutputOption = Output.text) -> None:
    """List the policies that you may use.

    [dim]Example: openlake policies list[/dim]
    """
    found = _all()
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print("There is no policy that you may use; an admin makes one with")
        console.print("openlake policies create <name> --file <definition.json>")
        return
    table = quiet_table("name", "id", "made by", "description")
    for each in found:
        about = str(each.get("description", ""))
        table.add_row(each["name"], each["policy_id"], each["creator_user_name"], about)
    console.print(table)


@app.command()
def get(
    which: Annotated[str, typer.Argument(help="The policy's name or id.")],
    output: OutputOption = Output.text,
) -> None:
    """Print a policy's definition.

    [dim]Example: openlake policies get small > small.json[/dim]
    """
    found = next((each for each in _all() if which in (each["name"], each["policy_id"])), None)
    if found is None:
        raise NotFound(f"there is no cluster policy '{which}' that you may use")
    if output is Output.json:
        print_json(found)
        return
    typer.echo(found["definition"])


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name that no other policy has.")],
    file: Annotated[
        Path, typer.Option("--file", "-f", exists=True, dir_okay=False, help="Its rules, as JSON.")
    ],
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    output: OutputOption = Output.text,
) -> None:
    """Make a policy from a file of rules.

    [dim]Example: openlake policies create small --file small.json[/dim]
    """
    body = {"name": name, "definition": file.read_text("utf-8"), "description": description}
    given = {key: value for key, value in body.items() if value is not None}
    made = connect().post(f"{_API}/create", given)
    if output is Output.json:
        print_json(made)
        return
    console.print(f"Made the policy {name} with the id {made['policy_id']}.")


def _all() -> list[dict[str, Any]]:
    answer = connect().get(f"{_API}/list", sort_column="POLICY_NAME", sort_order="ASC")
    return answer["policies"]
