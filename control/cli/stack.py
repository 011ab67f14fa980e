"""`openlake up`, `down`, `status`, `logs`, `env` and `install`."""

import shlex
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from control.cli.output import Output, OutputOption, console, print_json, quiet_table, steps

if TYPE_CHECKING:
    from control.stack.layout import Layout
    from control.stack.parts import Profile
    from control.stack.supervisor import PartStatus

_PROFILE = typer.Option(
    "--profile", "-p", help="`embedded`, or `full` with Trino and Spark Connect as well."
)
_ONLY = typer.Option("--only", help="Parts to choose, with commas; what they need comes along.")

ProfileOption = Annotated[str, _PROFILE]
OnlyOption = Annotated[str | None, _ONLY]

_MARKS = {"up": "[green]●[/] up", "ill": "[yellow]●[/] ill", "down": "[dim]○ down[/]"}


def up(profile: ProfileOption = "embedded", only: OnlyOption = None) -> None:
    """Start the stack, or mend what has died. Doing it twice is harmless.

    [bold]openlake up[/]                          the embedded profile

    [bold]openlake up --profile full[/]           with Trino and a warm Spark Connect server

    [bold]openlake up --only postgres,minio[/]    some parts, with what they need
    """
    layout = make_layout()
    names = start_stack(layout, as_profile(profile), _words(only))
    if names:
        console.print(f"\n[green]Up[/] · {len(names)} started · data in {layout.data_dir}")
    else:
        console.print(f"[green]Up[/] · nothing to do · data in {layout.data_dir}")
    if only is None:
        console.print(f"Console {layout.api_url} · `openlake console` opens it signed in")


def down(only: OnlyOption = None) -> None:
    """Stop what `openlake up` started, and only that. Data stays.

    Task attempts under way are stopped too; the next `up` tries them again.

    [bold]openlake down[/]
    """
    layout = make_layout()
    with _interruptible():
        names, attempts = stop_stack(layout, _words(only))
    console.print(f"Stopped {len(names)} parts." if names else "Nothing was running.")
    if attempts:
        console.print(
            f"{attempts} task attempts were under way: the next `openlake up` tries them again, "
            "and counts that as no fault of theirs."
        )


def restart(
    parts: Annotated[list[str] | None, typer.Argument(help="By name; OpenLake's own.")] = None,
) -> None:
    """Stop parts and start them again; after a change of code, say. Attempts go on meanwhile.

    [bold]openlake restart[/]          API, gateway and workers

    [bold]openlake restart nessie[/]
    """
    from control.stack.parts import parts_of
    from control.stack.supervisor import Supervisor

    layout = make_layout()
    chosen = parts or ["api", "gateway", "control-worker", "engine-worker"]
    found = [part for part in parts_of(layout, only=chosen) if part.name in chosen]
    with _interruptible(), steps() as progress:
        supervisor = Supervisor(layout, found, progress)
        supervisor.down()
        supervisor.up()


def status(output: OutputOption = Output.text) -> None:
    """Show what is running.

    [bold]openlake status[/]

    [bold]openlake status --output json | jq '.[] | select(.state != "up")'[/]
    """
    layout = make_layout()
    found = look_at(layout)
    if output is Output.json:
        print_json([as_row(each) for each in found])
        return
    table = quiet_table("part", "state", "address", "since", "memory", "version")
    for each in found:
        row = as_row(each)
        memory = f"{row['memory_bytes'] >> 20} MiB" if row["memory_bytes"] else ""
        since = _duration(row["uptime_s"]) if row["uptime_s"] is not None else ""
        table.add_row(
            each.part.name, _MARKS[each.state], row["address"], since, memory, row["version"]
        )
    console.print(table)
    for each in found:
        if each.state == "ill":
            console.print(f"\n[yellow]{each.part.name}[/]: {each.problem}; run `openlake up`")


def logs(
    part: Annotated[str, typer.Argument(help="A part's name, as in `openlake status`.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many to begin with.")] = 50,
) -> None:
    """Show the log of one part.

    [bold]openlake logs nessie[/]

    [bold]openlake logs api -f[/]
    """
    from control.stack.logs import tail
    from control.stack.parts import parts_of

    (chosen,) = [
        each for each in parts_of(make_layout(), only=[part], everything=True) if each.name == part
    ]
    for line in tail(chosen.log, lines):
        typer.echo(line)
    if follow:
        _follow(chosen.log)


def env() -> None:
    """Print the variables that point any client at the running stack.

    [bold]eval "$(openlake env)"[/]
    """
    layout = make_layout()
    variables = {
        "DATABRICKS_HOST": layout.api_url,
        "DATABRICKS_TOKEN": layout.secret("token"),
        "MLFLOW_TRACKING_URI": "databricks",
        "MLFLOW_REGISTRY_URI": "databricks",
    }
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def install(
    tools: Annotated[list[str] | None, typer.Argument(help="Tools by name; all when none.")] = None,
    profile: ProfileOption = "embedded",
) -> None:
    """Fetch and build what the stack runs on, side by side and once.

    [bold]openlake install[/]

    [bold]openlake install --profile full[/]    with Trino, the second S3 server and what tests use
    """
    layout = make_layout()
    wanted = tools or _tools_of(layout, as_profile(profile))
    install_tools(layout, wanted)
    console.print(f"[green]Ready[/] · {len(wanted)} tools in {layout.cache_dir}")


# What other commands use --------------------------------------------------------------------


def make_layout() -> "Layout":
    """Read the settings of this machine and folder."""
    from control.config import Settings
    from control.stack.layout import Layout

    return Layout(Settings())


def as_profile(name: str) -> "Profile":
    """Return a profile by name.

    Raises:
        Invalid: There is none of that name.
    """
    from spec.errors import Invalid

    if name == "embedded" or name == "full":
        return name
    raise Invalid(f"there is no profile '{name}'; there are embedded and full")


def start_stack(
    layout: "Layout", profile: "Profile" = "embedded", only: Sequence[str] | None = None
) -> list[str]:
    """Install what is missing, start what is not running, and return the names of the started.

    Raises:
        OpenLakeError: Something stands in the way; the message says what to do.
        KeyboardInterrupt: What this call started has been stopped again.
    """
    from control.stack.parts import parts_of
    from control.stack.supervisor import Supervisor

    parts = parts_of(layout, profile if only is None else "full", only)
    with _interruptible():
        install_tools(layout, [tool for part in parts for tool in part.tools])
        with steps() as progress:
            return Supervisor(layout, parts, progress).up()


def stop_stack(layout: "Layout", only: Sequence[str] | None = None) -> tuple[list[str], int]:
    """Stop parts, and the attempts once no worker is left that would take them up again.

    Returns:
        The names of the stopped parts, and how many task attempts were stopped.
    """
    from control.cli.attempts import stop_attempts
    from control.stack.parts import parts_of
    from control.stack.supervisor import Supervisor

    every = parts_of(layout, everything=True)
    parts = [part for part in every if only is None or part.name in only]
    # They would start again what is stopped below: attempts, the processes of warehouses.
    first = [part for part in parts if part.name in ("engine-worker", "control-worker")]
    rest = [part for part in parts if part not in first]
    with steps() as progress:
        names = Supervisor(layout, first, progress).down()
        has_engines = any(part.name == "engine-worker" for part in first)
        attempts = stop_attempts(layout.attempts_dir) if has_engines else 0
        names += Supervisor(layout, rest, progress).down()
    return names, attempts


def install_tools(layout: "Layout", names: Sequence[str]) -> None:
    """Install the named tools with a progress line each."""
    from control.stack.install import install as install_all
    from control.stack.install import missing_tools

    if not missing_tools(layout, names):
        return
    console.print("[bold]Installing what is missing[/]")
    with _interruptible(), steps() as progress:
        install_all(layout, names, progress)


def look_at(layout: "Layout") -> "list[PartStatus]":
    """Ask the parts of the embedded profile, and every other part that was started."""
    from control.stack.parts import parts_of
    from control.stack.progress import Silent
    from control.stack.supervisor import Supervisor

    embedded = {part.name for part in parts_of(layout, "embedded")}
    parts = [
        part
        for part in parts_of(layout, everything=True)
        if part.name in embedded or part.record.exists()
    ]
    return Supervisor(layout, parts, Silent()).status()


def as_row(status: "PartStatus") -> dict[str, Any]:
    """Return one part's state for JSON."""
    from control.stack.process import memory_bytes

    part, record = status.part, status.record
    return {
        "name": part.name,
        "title": part.title,
        "state": status.state,
        "problem": status.problem,
        "address": part.address,
        "version": part.version(),
        "pid": record.identity.pid if record else None,
        "uptime_s": round(time.time() - record.started_at) if record else None,
        "memory_bytes": memory_bytes(part, record.identity) if record else None,
        "log": str(part.log),
    }


def _tools_of(layout: "Layout", profile: "Profile") -> list[str]:
    from control.stack.parts import parts_of

    names = {tool: None for part in parts_of(layout, profile) for tool in part.tools}
    if profile == "full":
        for_tests = (
            *("versitygw", "temporal-test-server", "airflow", "quartz", "quartz-weekdays"),
            *("hive-metastore", "iceberg-rest", "iceberg-rest-server"),
        )
        names |= dict.fromkeys(for_tests)
    return list(names)


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _follow(log: Path) -> None:
    with log.open(errors="replace") as file:
        file.seek(0, 2)
        while True:
            text = file.read()
            if text:
                typer.echo(text, nl=False)
                continue
            if log.stat().st_size < file.tell():
                file.seek(0)  # rotated
            time.sleep(0.3)


@contextmanager
def _interruptible() -> Generator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end a long step once; what tidies up is not interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
