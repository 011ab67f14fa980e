"""`openlake console`: the web console in a browser that is signed in already."""

import os
import sys
import webbrowser
from typing import Annotated

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json


def web_console(
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it, or only print the link.")
    ] = True,
    output: OutputOption = Output.text,
) -> None:
    """Open the web console, signed in as the user of the workspace in use.

    The link works once, within a minute; whoever opens it first is signed in.

    [dim]Example: openlake console --no-browser[/dim]
    """
    api = connect()
    made = api.post("/api/openlake/1.0/sessions/codes", {})
    # Behind the `#`: browsers send nothing of that to any server, so no log has it.
    url = f"{api.url}/login#code={made['code']}"
    if output is Output.json:
        print_json({"url": url, "expires_at": made["expires_at"]})
        return
    if browser and _has_screen() and webbrowser.open(url):
        console.print(f"Opened {api.url} in your browser.", soft_wrap=True)
        return
    console.print(f"Open this within a minute; it works once:\n  {url}", soft_wrap=True)


def _has_screen() -> bool:
    """Tell whether a browser with windows can open; in a terminal, one of text would take over."""
    on_linux = sys.platform.startswith("linux")
    return not on_linux or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
