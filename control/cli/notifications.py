"""`openlake notifications`: destinations, test messages, and what was delivered."""

import time
from typing import Annotated, Any

import typer

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import OpenLakeError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Look at notification destinations and deliveries.",
)

_DESTINATIONS = "/api/2.0/notification-destinations"
_OWN = "/api/openlake/1.0/notification-destinations"
_DELIVERIES = "/api/openlake/1.0/deliveries"
_MARKS = {"DELIVERED": "[green]✓[/]", "PENDING": "[yellow]…[/]", "FAILED": "[red]✗[/]"}
_PATIENCE_S = 60.0

DestinationId = Annotated[str, typer.Argument(help="As `openlake notifications list` shows it.")]


class Undelivered(OpenLakeError):
    """The test message did not arrive."""


@app.command("list")
def list_destinations(
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 50,
    output: OutputOption = Output.text,
) -> None:
    """List notification destinations, newest first.

    [dim]Example: openlake notifications list --output json[/dim]
    """
    page = connect().get(_DESTINATIONS, page_size=min(limit, 1000))
    found: list[dict[str, Any]] = page.get("results", [])[:limit]
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print("No destinations. POST /api/2.0/notification-destinations makes one.")
        return
    table = quiet_table("destination", "name", "type")
    for each in found:
        table.add_row(each["id"], each["display_name"], each["destination_type"])
    console.print(table)


@app.command("test")
def test_destination(destination: DestinationId, output: OutputOption = Output.text) -> None:
    """Send a test message and wait until its first try is over; fails when it did not arrive.

    [dim]Example: openlake notifications test 0190b6a1-…[/dim]
    """
    api = connect()
    delivery_id = int(api.post(f"{_OWN}/{destination}/test", {})["delivery_id"])
    delivery = _first_try(api, delivery_id)
    if output is Output.json:
        print_json(delivery)
    if delivery["state"] == "DELIVERED":
        if output is Output.text:
            console.print(f"[green]✓[/] delivered (delivery {delivery_id})")
        return
    if delivery["last_error"]:
        reason = delivery["last_error"]
    else:
        reason = "nobody has taken it up; is the control worker running?"
    raise Undelivered(f"delivery {delivery_id} has not arrived: {reason}")


def _first_try(api: Api, delivery_id: int) -> dict[str, Any]:
    until = time.monotonic() + _PATIENCE_S
    while True:
        delivery = api.get(f"{_DELIVERIES}/{delivery_id}")
        tried = delivery["state"] != "PENDING" or delivery["last_error"]
        if tried or time.monotonic() > until:
            return delivery
        time.sleep(0.2)


@app.command("deliveries")
def list_deliveries(
    run_id: Annotated[int | None, typer.Option(help="Only those of this run.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only PENDING, DELIVERED or FAILED ones.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List what was sent and what is still to be, newest first.

    [dim]Example: openlake notifications deliveries --state FAILED[/dim]
    """
    query = {"run_id": run_id, "state": state.upper() if state else None}
    rows = list(connect().pages(_DELIVERIES, "deliveries", limit, **query))
    if output is Output.json:
        print_json(rows)
        return
    if not rows:
        console.print("No deliveries.")
        return
    table = quiet_table("", "delivery", "run_id", "event", "to", "tries", "last error")
    for row in rows:
        run = str(row["run_id"] or "")
        numbers = (str(row["delivery_id"]), run, row["event"], row["destination"])
        table.add_row(_MARKS[row["state"]], *numbers, str(row["tries"]), row["last_error"])
    console.print(table)


@app.command("retry")
def retry_delivery(
    delivery_id: Annotated[int, typer.Argument(help="As `… deliveries` shows it.")],
) -> None:
    """Deliver at once, and again, whatever became of it before."""
    connect().post(f"{_DELIVERIES}/{delivery_id}/retry", {})
    console.print(f"[green]✓[/] delivery {delivery_id} is on its way again")


@app.command("signing-secret")
def renew_signing_secret(destination: DestinationId, output: OutputOption = Output.text) -> None:
    """Make a new secret that a webhook's messages are signed with, and show it, this once."""
    answer = connect().post(f"{_OWN}/{destination}/signing-secret", {})
    if output is Output.json:
        print_json(answer)
    else:
        typer.echo(answer["signing_secret"])
