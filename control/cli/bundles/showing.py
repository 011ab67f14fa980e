"""Plans, as people and programs read them."""

import json
from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from control.cli.output import console
from spec.bundle_ids import StandIn, filled
from spec.bundle_plan import Action, Plan, Step
from spec.bundle_resources import KINDS
from spec.diff import Change

_MARKS = {
    Action.CREATE: "[green]+[/]",
    Action.UPDATE: "[yellow]~[/]",
    Action.RECREATE: "[red]±[/]",
    Action.DELETE: "[red]-[/]",
}
_MOST_FILES = 20
_MOST_CHANGES = 30
_MOST_CHARACTERS = 120


def show_plan(plan: Plan, names: Mapping[StandIn, str]) -> None:
    """Print what would be done, a line for each thing, and how fields would change."""
    for step in plan.steps:
        if step.action is not Action.UNCHANGED:
            _show_step(step, names)
    for change in plan.permissions:
        _print(f"[yellow]~[/] {_change(change, names)}")
    for mark, paths in (("[green]+[/]", plan.files.upload), ("[red]-[/]", plan.files.delete)):
        for path in paths[:_MOST_FILES]:
            _print(f"{mark} file {escape(path)}")
        if len(paths) > _MOST_FILES:
            _print(f"{mark} and {len(paths) - _MOST_FILES:,} more files")
    counts = [f"{number} to {action}" for action in _MARKS if (number := plan.count(action))]
    counts.append(f"{plan.count(Action.UNCHANGED)} unchanged")
    files = f"{len(plan.files.upload)} to upload, {len(plan.files.delete)} to delete"
    console.print(
        f"[bold]Plan[/] {', '.join(counts)}; files: {files}, {plan.files.unchanged} unchanged"
    )


def _show_step(step: Step, names: Mapping[StandIn, str]) -> None:
    word = KINDS[step.at.kind].word
    loses = f" [red](loses {step.loses})[/]" if step.loses else ""
    _print(f"{_MARKS[step.action]} {step.action} {word} {escape(step.at.key)}{loses}")
    for change in step.changes[:_MOST_CHANGES]:
        _print(f"    {_change(change, names)}")
    if len(step.changes) > _MOST_CHANGES:
        _print(f"    and {len(step.changes) - _MOST_CHANGES} more changes")


def _change(change: Change, names: Mapping[StandIn, str]) -> str:
    before, after = (_value(each, names) for each in (change.before, change.after))
    return f"{escape(change.path)}: {before} [dim]→[/] {after}"


def _value(value: Any, names: Mapping[StandIn, str]) -> str:
    if value is None:
        return "[dim]none[/]"
    text = json.dumps(filled(value, names), ensure_ascii=False)
    return escape(text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…")


def _print(line: str) -> None:
    console.print(line, soft_wrap=True)


def plan_json(plan: Plan, names: Mapping[StandIn, str]) -> dict[str, Any]:
    """Return a plan for programs."""
    return {
        "resources": {
            str(step.at): {
                "action": step.action.value,
                "name": step.name,
                "id": step.object_id,
                "changes": filled([each.model_dump() for each in step.changes], names),
                **({"loses": step.loses} if step.loses else {}),
            }
            for step in plan.steps
        },
        "permissions": [each.model_dump() for each in plan.permissions],
        "files": {
            "upload": list(plan.files.upload),
            "delete": list(plan.files.delete),
            "unchanged": plan.files.unchanged,
        },
    }
