"""One trial: arm, start the runs, make the faults, mend, wait for the ends, look, judge."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.evidence import Evidence
from tests.chaos.faults import Armoury, Strike
from tests.chaos.gather import Gatherer, look_for_left
from tests.chaos.ground import Ground
from tests.chaos.invariants import judge
from tests.chaos.plan import Plan
from tests.chaos.workload import Asked, is_over
from tests.integration.stack import wait_for

_ENDED_WITHIN_S = 240.0
_TICKS_FOR_S = 4.5
"""The schedule is left on at least so long: it has fired once by then."""
_WAVE = 5
"""After so many faults the jobs are run once more."""


@dataclass(frozen=True)
class Verdict:
    """What became of a trial."""

    plan: Plan
    strikes: tuple[Strike, ...]
    violations: dict[str, list[str]]
    """Of every invariant, by its name."""
    runs: int
    attempts: int
    duration_s: float

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(strike.kills for strike in self.strikes)

    @property
    def missed(self) -> list[Strike]:
        """Faults that did not fire: the trial says nothing about them."""
        return [strike for strike in self.strikes if not strike.fired]

    @property
    def broken(self) -> dict[str, list[str]]:
        """The invariants that were violated."""
        return {name: found for name, found in self.violations.items() if found}


def run_trial(ground: Ground, plan: Plan, say: Callable[[str], None]) -> Verdict:
    """Do a trial from beginning to end; the ground is mended afterwards.

    Args:
        ground: Where; nothing of an earlier trial goes on there.
        plan: What is to happen.
        say: Takes lines of progress.
    """
    began, since_ms = time.monotonic(), int(time.time() * 1000)
    dice = random.Random(plan.seed.number)
    after, before = ground.witness.last(), look_for_left(ground)
    ground.crew.deaths.clear()
    asked = Asked()
    armoury = Armoury(ground, dice, asked)
    for fault in plan.faults:
        if fault.is_armed:
            armoury.arm(fault)
    ticking = time.monotonic()
    if "tick" in plan.jobs:
        ground.workload.schedule("UNPAUSED")
    ground.workload.ask_for(plan.jobs, plan.statements, asked)
    _make_faults(armoury, plan, asked, say)
    armoury.disarm()
    ground.mend()
    if "tick" in plan.jobs:
        time.sleep(max(0.0, _TICKS_FOR_S - (time.monotonic() - ticking)))
        ground.workload.schedule("PAUSED")
    _await_ends(ground, asked, plan, since_ms)
    seen = Gatherer(ground, asked, since_ms, after, dice).gather(before)
    return _verdict(plan, armoury, seen, time.monotonic() - began)


def _make_faults(armoury: Armoury, plan: Plan, asked: Asked, say: Callable[[str], None]) -> None:
    """First what strikes now, then what is armed, in the order in which somebody comes past.

    Between them runs are asked for again, so that there is always work to hit.
    """
    loose = [fault for fault in plan.faults if not fault.is_armed]
    armed = [fault for fault in plan.faults if fault.is_armed]
    for number, (pause, fault) in enumerate(zip(plan.pauses_s, loose, strict=True), 1):
        time.sleep(pause)
        if number % _WAVE == 0 or (fault.needs_work and not _is_busy(armoury.ground, asked)):
            armoury.ground.workload.ask_for(plan.jobs, 1, asked)
        armoury.strike(fault)
        _tell(armoury.strikes[-1], say)
    for strike in armoury.strike_armed(armed):
        _tell(strike, say)


def _is_busy(ground: Ground, asked: Asked) -> bool:
    return any(not is_over(ground.workload.run(run_id)) for run_id in asked.runs.values())


def _tell(strike: Strike, say: Callable[[str], None]) -> None:
    mark = "✓" if strike.fired else "· did not fire:"
    say(f"    {mark} {strike.fault}  {strike.detail}")


def _await_ends(ground: Ground, asked: Asked, plan: Plan, since_ms: int) -> None:
    """Wait until every run and statement has ended; those that never do are judged as they are."""
    workload = ground.workload

    def all_over() -> bool:
        runs = [workload.run(run_id) for run_id in asked.runs.values()]
        if "tick" in plan.jobs:
            runs += workload.runs_of("tick", since_ms)
        states = [workload.answer(each)["status"]["state"] for each in asked.statements]
        return all(map(is_over, runs)) and not any(
            state in ("PENDING", "RUNNING") for state in states
        )

    try:
        wait_for(all_over, _ENDED_WITHIN_S, "the end of all runs")
    except AssertionError:
        return


def _verdict(plan: Plan, armoury: Armoury, seen: Evidence, duration_s: float) -> Verdict:
    return Verdict(
        plan=plan,
        strikes=tuple(armoury.strikes),
        violations=judge(plan, seen),
        runs=len(seen.runs),
        attempts=len(seen.attempts),
        duration_s=duration_s,
    )
