"""`openlake jobs history | diff | restore`: what a job's settings were, and what changed."""

import json
from datetime import datetime
from difflib import unified_diff
from typing import Annotated, Any

import typer
from rich.text import Text

from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid

JobId = Annotated[int, typer.Argument(help="As `openlake jobs list` shows it.")]

_SHORT = 60
"""Values up to so many characters stand side by side."""


def history(
    job_id: JobId,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
) -> None:
    """List the versions of a job's settings, newest first: who made them, when and how.

    [dim]Example: openlake jobs history 7[/dim]
    """
    versions = list(connect().pages(_path(job_id), "versions", limit))
    if output is Output.json:
        print_json(versions)
        return
    table = quiet_table("version", "when", "by", "how")
    for each in versions:
        table.add_row(str(each["version"]), when(each), each["editor"], each["cause"])
    console.print(table)


def diff(
    job_id: JobId,
    before: Annotated[
        int | None, typer.Argument(metavar="[N]", help="A version; else the newest.")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="[M]", help="Another one, to compare N with.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Show what a version changed, or all that changed from version N to version M.

    [dim]Example: openlake jobs diff 7 2 5[/dim]
    """
    api = connect()
    number = after or before or _newest(api, job_id)
    against = before if after is not None else None
    found = api.get(f"{_path(job_id)}/{number}/diff", against=against)
    if output is Output.json:
        print_json(found)
        return
    version = api.get(f"{_path(job_id)}/{number}")
    old = f"version {found['before']} → " if found["before"] else ""
    console.print(
        f"[bold]job {job_id}[/] {old}version {number}  "
        f"[dim]{version['cause']} by {version['editor']}, {when(version)}[/]"
    )
    if not found["changes"]:
        console.print("No difference.")
    for change in found["changes"]:
        for line in change_lines(change["path"], change.get("before"), change.get("after")):
            console.print(line, soft_wrap=True)


def restore(
    job_id: JobId,
    version: Annotated[int, typer.Argument(help="As `openlake jobs history` shows it.")],
    output: OutputOption = Output.text,
) -> None:
    """Give a job the settings of an earlier version again; runs under way keep theirs.

    [dim]Example: openlake jobs restore 7 2[/dim]
    """
    api = connect()
    newest = _newest(api, job_id)
    answer = api.post(f"{_path(job_id)}/{version}/restore", {})
    if output is Output.json:
        print_json(answer)
    elif answer["version"] == newest:
        console.print(f"[green]✓[/] job {job_id} has these settings already (version {newest})")
    else:
        made = answer["version"]
        console.print(f"[green]✓[/] job {job_id} has the settings of version {version}, as {made}")


def _path(job_id: int) -> str:
    return f"/api/openlake/1.0/jobs/{job_id}/versions"


def _newest(api: Api, job_id: int) -> int:
    for each in api.pages(_path(job_id), "versions", 1):
        return int(each["version"])
    raise Invalid(f"job {job_id} has no versions")


def when(version: dict[str, Any]) -> str:
    """Say when a version was made."""
    at = datetime.fromtimestamp(version["created_at"] / 1000).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}"


def change_lines(path: str, before: Any, after: Any) -> list[Text]:
    """Return a change as lines: what was in red, what is in green."""
    if before is None:
        return [Text(f"+ {path}{_beside(after)}", "green"), *_below("+", after, "green")]
    if after is None:
        return [Text(f"- {path}{_beside(before)}", "red"), *_below("-", before, "red")]
    if _beside(before) and _beside(after):
        line = Text(f"~ {path}")
        line.append(_beside(before), "red").append("  →", "dim").append(_beside(after), "green")
        return [line]
    if isinstance(before, str) and isinstance(after, str):
        return [Text(f"~ {path}"), *_script(before, after)]
    shown = [*_below("-", before, "red", whole=True), *_below("+", after, "green", whole=True)]
    return [Text(f"~ {path}"), *shown]


def _script(before: str, after: str) -> list[Text]:
    """Return the lines of a text that changed, with a few around them."""
    styles = {"+": "green", "-": "red", "@": "dim"}
    found = unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    # The first two name files.
    return [Text(f"  {line}", styles.get(line[0], "")) for line in list(found)[2:]]


def _beside(value: Any) -> str:
    """Return a short value to stand on its path's line; empty for one that needs lines."""
    text = json.dumps(value, ensure_ascii=False)
    is_script = isinstance(value, str) and "\n" in value
    fits = len(text) <= _SHORT and not is_script and (not isinstance(value, dict) or not value)
    return f"  {text}" if fits else ""


def _below(sign: str, value: Any, style: str, *, whole: bool = False) -> list[Text]:
    if _beside(value) and not whole:
        return []
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return [Text(f"  {sign} {line}", style) for line in text.splitlines()]
