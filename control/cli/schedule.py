"""`openlake schedule`: what a Quartz cron expression means, and when it fires."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated

import typer

from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.cron import parse_cron
from spec.cron_fire import next_fires
from spec.cron_words import describe
from spec.errors import Invalid
from spec.zones import zone_of

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Read a job's schedule before it runs.",
)


@app.callback()
def schedule() -> None:
    """Read a job's schedule before it runs."""


@app.command("preview")
def preview(
    expression: Annotated[
        str, typer.Argument(help="Quartz cron: seconds minutes hours day month weekday [year].")
    ],
    timezone: Annotated[
        str, typer.Option("--timezone", "-z", help="Whose wall clock it speaks of.")
    ] = "UTC",
    count: Annotated[int, typer.Option(help="How many times to show.", min=1, max=1000)] = 5,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help="Times after this one: ISO 8601, in the zone if it names none."
        ),
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Say in words when a schedule fires, and list the next times.

    [dim]Example: openlake schedule preview "0 0 6 ? * MON-FRI" --timezone Europe/Berlin[/dim]
    """
    cron, zone = parse_cron(expression), zone_of(timezone)
    after = _instant(start, zone)
    words = describe(cron, timezone)
    times = next_fires(cron, after, timezone, count)
    if output is Output.json:
        print_json(
            {
                "quartz_cron_expression": cron.expression,
                "timezone_id": timezone,
                "description": words,
                "fires": [
                    {"local": at.astimezone(zone).isoformat(), "utc": at.isoformat()}
                    for at in times
                ],
            }
        )
        return
    console.print(words[0].upper() + words[1:])
    if not times:
        console.print(f"It never fires after {after.astimezone(zone):%Y-%m-%d %H:%M:%S}.")
        return
    table = quiet_table(timezone, "UTC") if timezone != "UTC" else quiet_table("UTC")
    for at in times:
        row = [f"{at:%Y-%m-%d %H:%M:%S}"]
        if timezone != "UTC":
            row.insert(0, f"{at.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}")
        table.add_row(*row)
    console.print(table)


def _instant(text: str | None, zone: tzinfo) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            f"--from '{text}' is not a time; write it like 2026-03-29T01:00 or 2026-03-29"
        ) from error
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"--from '{text}' is too far from today") from error
