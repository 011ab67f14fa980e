"""`openlake tokens`: access tokens, one's own and those of others."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.cli.workspaces import members_path
from spec.errors import Invalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Make, list and revoke access tokens.",
)

_OWN, _ALL = "/api/2.0/token", "/api/2.0/token-management/tokens"


@app.command("create")
def create(
    comment: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(help="Good for so long; for ever if unset.")] = None,
    user: Annotated[
        str | None, typer.Option("--for", help="A user or service principal; yourself if unset.")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(help="Of --for: name or id; the one in use if unset.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Make a token; its value is shown this once.

    [dim]Example: openlake tokens create --comment laptop --days 90[/dim]
    """
    body: dict[str, Any] = {"comment": comment}
    if days is not None:
        body["lifetime_seconds"] = int(timedelta(days=days).total_seconds())
    if workspace is not None and user is None:
        raise Invalid("--workspace says whose --for is meant; name the user, too")
    if user is None:
        made = connect().post(f"{_OWN}/create", body)
    else:
        api = connect(operator=True)
        made = api.post(f"{members_path(api, workspace)}/{user}/tokens", body)
    if output is Output.json:
        print_json(made)
        return
    console.print(f"[green]✓[/] token {made['token_info']['token_id']}; its value, this once:")
    console.print(f"  {made['token_value']}", soft_wrap=True)


@app.command("list")
def list_tokens(
    everybody: Annotated[bool, typer.Option("--all", help="Of everybody; admins only.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """List tokens, newest first, without their values.

    [dim]Example: openlake tokens list --all[/dim]
    """
    found = connect().get(_ALL if everybody else f"{_OWN}/list")["token_infos"]
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print("No tokens. `openlake tokens create` makes one.")
        return
    more = ("made by", "last used") if everybody else ()
    table = quiet_table("id", "comment", "made", "expires", *more)
    table.columns[0].no_wrap, table.columns[0].min_width = True, 32
    for each in found:
        expiry = each["expiry_time"]
        row = [each["token_id"], each["comment"], _day(each["creation_time"])]
        row.append("never" if expiry < 0 else _day(expiry))
        if everybody:
            used = each.get("last_used_day")
            row += [each.get("created_by_username", ""), _day(used) if used else "never"]
        table.add_row(*row)
    console.print(table)


@app.command("delete")
def delete(
    token_id: Annotated[str, typer.Argument(help="As `openlake tokens list` shows it.")],
    others: Annotated[
        bool, typer.Option("--others", help="It may be somebody else's; admins only.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Revoke a token.

    [dim]Example: openlake tokens delete 5f2c…[/dim]
    """
    if others:
        connect().delete(f"{_ALL}/{token_id}")
    else:
        connect().post(f"{_OWN}/delete", {"token_id": token_id})
    if output is Output.json:
        print_json({"token_id": token_id})
    else:
        console.print(f"[green]✓[/] token {token_id} revoked")


def _day(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d")
