"""`openlake audit`: who did what."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid

_PATH = "/api/openlake/1.0/audit"
_MOST = 1000

Moment = Annotated[str | None, typer.Option(help="A day or instant (ISO 8601; UTC if unsaid).")]


def audit(
    actor: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    action: Annotated[str | None, typer.Option(help="As `job.created`, or `job.*`.")] = None,
    object_type: Annotated[str | None, typer.Option(help="As `job`.")] = None,
    object_id: Annotated[str | None, typer.Option(help="Of which object.")] = None,
    request_id: Annotated[str | None, typer.Option(help="By which request.")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    output: OutputOption = Output.text,
) -> None:
    """Show who did what in the workspace, newest first; for admins.

    [dim]Example: openlake audit --action "job.*" --since 2026-03-01[/dim]
    """
    asked: dict[str, Any] = {
        "actor": actor,
        "action": action,
        "object_type": object_type,
        "object_id": object_id,
        "request_id": request_id,
        "since": _millis(since),
        "until": _millis(until),
    }
    found = _entries(asked, limit)
    if output is Output.json:
        print_json(found)
        return
    if not found:
        console.print("Nothing was done that this asks for.")
        return
    table = quiet_table("when (UTC)", "who", "what", "which")
    table.columns[0].no_wrap, table.columns[0].min_width = True, 19
    for each in found:
        when = each["at"][:19].replace("T", " ")
        table.add_row(when, each["actor"], each["action"], each["object_id"])
    console.print(table)


def _entries(asked: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    api = connect()
    found: list[dict[str, Any]] = []
    token: str | None = None
    while len(found) < limit:
        left = min(limit - len(found), _MOST)
        page = api.get(_PATH, limit=left, page_token=token, **asked)
        found += page["entries"]
        token = page.get("next_page_token")
        if not token:
            break
    return found


def _millis(moment: str | None) -> int | None:
    if moment is None:
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        example = "2026-03-01 or 2026-03-01T12:00"
        raise Invalid(f"'{moment}' is no instant; write it as {example}") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
