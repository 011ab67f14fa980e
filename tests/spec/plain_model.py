"""A plain second telling of how tasks end, written from the documentation, not from `spec.runs`.

It knows no events, ids or clocks: given how each attempt of each task would end, it says by
recursion how every task and the run stand in the end. Slow, obvious, and without state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SUCCESS, FAILED, EXCLUDED, DISABLED = "SUCCESS", "FAILED", "EXCLUDED", "DISABLED"
UPSTREAM_FAILED, TIMEDOUT = "UPSTREAM_FAILED", "TIMEDOUT"


@dataclass(frozen=True)
class PlainTask:
    """One task as a person describes it."""

    key: str
    needs: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Task this one waits for → the outcome it follows, if that is a condition."""
    run_if: str = "ALL_SUCCESS"
    disabled: bool = False
    retries: int = 0
    retry_on_timeout: bool = False
    condition: str | None = None
    """What the task, if it is a condition, comes to."""


def end_of(task: PlainTask, attempts: Sequence[str]) -> tuple[str, int]:
    """Return how a task ends that runs, and after how many attempts.

    Lost attempts are repeated without costing a retry, five times; then the task has failed.
    """
    lost = tries = 0
    for made, result in enumerate(attempts, 1):
        if result == "LOST":
            lost += 1
            if lost > 5:
                return FAILED, made
            continue
        tries += 1
        if result == SUCCESS or (result == TIMEDOUT and not task.retry_on_timeout):
            return result, made
        if tries > task.retries:
            return result, made
    raise AssertionError("the script is too short")


def is_run(task: PlainTask, ends: Mapping[str, str], conditions: Mapping[str, str | None]) -> str:
    """Return "" when the task runs, else the state in which it is passed over."""
    if task.disabled:
        return DISABLED
    if not task.needs:
        return ""
    seen: list[str] = []
    for key, wanted in task.needs.items():
        other_branch = (
            wanted is not None and ends[key] in (SUCCESS, DISABLED) and conditions[key] != wanted
        )
        seen.append(EXCLUDED if other_branch else ends[key])
    if set(seen) == {EXCLUDED}:
        return EXCLUDED
    good = [end for end in seen if end in (SUCCESS, DISABLED)]
    bad = [end for end in seen if end in (FAILED, TIMEDOUT, UPSTREAM_FAILED)]
    rule = task.run_if
    if rule == "ALL_SUCCESS":
        return UPSTREAM_FAILED if bad else ""
    if rule == "AT_LEAST_ONE_SUCCESS":
        return "" if good else UPSTREAM_FAILED
    if rule == "NONE_FAILED":
        return "" if good and not bad else UPSTREAM_FAILED
    if rule == "AT_LEAST_ONE_FAILED":
        return "" if bad else EXCLUDED
    if rule == "ALL_FAILED":
        return "" if len(bad) == len(seen) else EXCLUDED
    assert rule == "ALL_DONE"
    return ""


def ends_of(
    tasks: Sequence[PlainTask],
    script: Mapping[str, Sequence[str]],
    kept: Mapping[str, tuple[str, str | None]] | None = None,
) -> tuple[dict[str, str], dict[str, int]]:
    """Return how each task ends, and how many attempts it made.

    Args:
        tasks: In an order in which each comes after what it needs.
        script: Task → how its attempts end, one after the other.
        kept: Tasks that a repair does not run: how they ended before, and their condition.
    """
    ends: dict[str, str] = {}
    made: dict[str, int] = {}
    conditions: dict[str, str | None] = {}
    for task in tasks:
        if kept is not None and task.key in kept:
            ends[task.key], conditions[task.key] = kept[task.key]
            made[task.key] = 0
            continue
        passed_over = is_run(task, ends, conditions)
        conditions[task.key] = None
        if passed_over:
            ends[task.key], made[task.key] = passed_over, 0
        else:
            ends[task.key], made[task.key] = end_of(task, script[task.key])
            conditions[task.key] = task.condition
    return ends, made


def result_of(tasks: Sequence[PlainTask], ends: Mapping[str, str]) -> str:
    """Return how the run ends: by its leaves."""
    needed = {key for task in tasks for key in task.needs}
    leaves = [ends[task.key] for task in tasks if task.key not in needed]
    bad = (FAILED, TIMEDOUT, UPSTREAM_FAILED)
    if any(end in bad for end in leaves):
        return "FAILED"
    return "SUCCESS_WITH_FAILURES" if any(end in bad for end in ends.values()) else "SUCCESS"
