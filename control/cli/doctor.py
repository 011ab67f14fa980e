"""`openlake doctor`: what is ill, and what to do about it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Literal

import typer

from control.cli.output import Output, console, print_json, quiet_table
from control.cli.stack import OutputOption, as_row, look_at, make_layout

if TYPE_CHECKING:
    from control.stack.layout import Layout

_OWN = "openlake-platform"
_OWN_PACKAGES = ("control", "workflows", "activities", "spec")
_LEAST_ROOM_GIB = 5

_SHARED = (
    "Every server listens on loopback: any program of this machine can reach it. Temporal "
    "has no password here.",
    "Do not run tasks of people who do not trust each other in one such stack.",
)

State = Literal["ok", "warn", "ill", "off"]
_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "ill": "[red]✗[/]", "off": "[dim]○[/]"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    text: str
    advice: str | None = None


def doctor(output: OutputOption = Output.text) -> None:
    """Look at the machine and at each part, and say what to do about what is ill.

    Ends with code 1 when something is ill.

    [bold]openlake doctor[/]

    [bold]openlake doctor --output json[/]
    """
    layout = make_layout()
    machine = [check(layout) for check in _CHECKS]
    parts = list(_parts(layout))
    if output is Output.json:
        print_json(
            {
                "machine": [asdict(each) for each in machine],
                "parts": [asdict(each) for each in parts],
                "isolation": _isolation(layout),
            }
        )
    else:
        _show("This machine", machine)
        _show("Parts", parts)
        console.print("\n[bold]What this profile cannot isolate[/]")
        for sentence in _isolation(layout):
            console.print(f"  [dim]·[/] {sentence}")
    if any(each.state == "ill" for each in (*machine, *parts)):
        raise typer.Exit(1)


def _isolation(layout: "Layout") -> list[str]:
    """Say plainly what one machine without containers cannot keep apart."""
    from activities.config import WorkerConfig
    from activities.isolation import can_isolate
    from control.stack.system_user import TASK_USER, find_system_user

    jars = layout.spark_jars
    config = WorkerConfig(
        control_url=layout.api_url,
        worker_token="",
        host="",
        folder=layout.attempts_dir,
        java_home=layout.java_home_21,
        spark_jars=jars if jars.is_dir() else None,
        uid=find_system_user(TASK_USER),
    )
    reason = can_isolate(config)
    if reason is None:
        own = "Task code runs as one user of its own, the same for all tasks; tasks see each other."
    else:
        own = (
            "Task code runs as the user who ran `openlake up`, and could read files of the data"
            f" folder: {reason}."
        )
    return [own, *_SHARED]


def _show(title: str, findings: list[Finding]) -> None:
    console.print(f"\n[bold]{title}[/]")
    table = quiet_table("", "", "")
    table.show_header = False
    for each in findings:
        text = each.text + (f"\n[dim]→ {each.advice}[/]" if each.advice else "")
        table.add_row(f"  {_MARKS[each.state]}", each.subject, text)
    console.print(table)


def _python(layout: "Layout") -> Finding:
    from control.stack.versions import pinned

    wanted = pinned().python
    version = ".".join(str(number) for number in sys.version_info[:3])
    text = f"{version} at {sys.executable}"
    low, high = (
        tuple(int(word) for word in bound.split(".")) for bound in (wanted.at_least, wanted.below)
    )
    if low <= sys.version_info[:2] < high:
        return Finding("Python", "ok", text)
    return Finding(
        "Python",
        "ill",
        text,
        f"OpenLake wants Python {wanted.at_least} or newer, below {wanted.below}",
    )


def _java(layout: "Layout") -> Finding:
    homes = {"21": layout.java_home_21, "25": layout.java_home_25}
    missing = [name for name, home in homes.items() if not (home / "bin" / "java").exists()]
    if missing:
        return Finding("Java", "warn", f"{missing[0]} is not installed", "run `openlake install`")
    return Finding("Java", "ok", "21 for Spark, 25 for Nessie and Trino; none on PATH is needed")


def _disk(layout: "Layout") -> Finding:
    folder = next(each for each in (layout.data_dir, *layout.data_dir.parents) if each.exists())
    free = shutil.disk_usage(folder).free / 2**30
    text = f"{free:.0f} GiB free for {layout.data_dir}"
    if free >= _LEAST_ROOM_GIB:
        return Finding("disk", "ok", text)
    advice = "free some space, or set OPENLAKE_DATA_DIR to a folder on another disk"
    return Finding("disk", "ill" if free < 1 else "warn", text, advice)


def _packages(layout: "Layout") -> Finding:
    """Other distributions on PyPI are named as our packages are, and would overwrite them."""
    owners = packages_distributions()
    strangers = {
        f"{name} (from {other})"
        for name in _OWN_PACKAGES
        for other in owners.get(name, ())
        if other != _OWN
    }
    if strangers:
        return Finding(
            "packages",
            "ill",
            f"others claim our package names: {', '.join(sorted(strangers))}",
            "give OpenLake an environment of its own",
        )
    return Finding("packages", "ok", "no other distribution claims our package names")


def _tools(layout: "Layout") -> Finding:
    from control.stack.install import missing_tools
    from control.stack.parts import parts_of

    names = {tool: None for part in parts_of(layout, "embedded") for tool in part.tools}
    missing = missing_tools(layout, names)
    if missing:
        return Finding("tools", "warn", f"missing: {', '.join(missing)}", "run `openlake install`")
    return Finding("tools", "ok", f"all in {layout.cache_dir}")


def _mail(layout: "Layout") -> Finding:
    settings = layout.settings.notifications
    if settings.smtp_host and settings.smtp_sender:
        return Finding("e-mail", "ok", f"by {settings.smtp_host}:{settings.smtp_port}")
    advice = (
        "set OPENLAKE_NOTIFICATIONS__SMTP_HOST and OPENLAKE_NOTIFICATIONS__SMTP_SENDER, if jobs"
        " are to send e-mail"
    )
    return Finding("e-mail", "off", "no mail server is configured: e-mail is not sent", advice)


_CHECKS: tuple[Callable[["Layout"], Finding], ...] = (
    *(_python, _java, _disk, _tools, _packages, _mail),
)


def _parts(layout: "Layout") -> Iterator[Finding]:
    found = look_at(layout)
    asleep = all(each.state == "down" for each in found)
    for each in found:
        row, part = as_row(each), each.part
        text = f"{part.title} · {row['version']} · {row['address']}"
        if each.state == "up":
            yield Finding(part.name, "ok", text)
        elif asleep or (each.state == "down" and not part.record.exists()):
            yield Finding(part.name, "off", f"{text} · not started", "run `openlake up`")
        else:
            advice = f"run `openlake up`; if it comes back, {part.advice}"
            yield Finding(part.name, "ill", f"{text} · {each.problem}", advice)
