"""Trial after trial on one ground, until the time is over."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from control.stack.parts import Profile
from tests.chaos import ledger
from tests.chaos.disk import Disk, mount
from tests.chaos.ground import Ground, make_ground
from tests.chaos.plan import MOST, FaultKind, Seed, make_plan
from tests.chaos.trial import Verdict, run_trial
from tests.integration.stack import Stack

SKIPPED_ALWAYS = (
    "namespaces: not used; what they would do to the network, proxies do to every link",
)


@dataclass
class Tally:
    """What a campaign has come to."""

    kills: int = 0
    runs: int = 0
    trials: int = 0
    violations: int = 0
    missed: int = 0
    lines: list[str] = field(default_factory=list[str])

    def add(self, verdict: Verdict) -> None:
        """Count a trial."""
        self.trials += 1
        self.kills += verdict.kills
        self.runs += verdict.runs
        self.violations += sum(map(len, verdict.broken.values()))
        self.missed += len(verdict.missed)

    def __str__(self) -> str:
        """Return the sum, for people."""
        return (
            f"{self.trials} trials · {self.kills} kills · {self.runs} runs · "
            f"{self.violations} violations · {self.missed} faults did not fire"
        )


@contextmanager
def own_ground(profile: Profile, say: Callable[[str], None]) -> Iterator[Ground]:
    """Make a stack for the harness alone, on a disk of its own where that is permitted."""
    folder = Path(tempfile.mkdtemp(prefix="openlake-chaos-"))
    # PostgreSQL's user must be able to reach it.
    folder.chmod(0o755)
    disk = mount(folder / "disk")
    stack = Stack((folder / "disk" if disk else folder) / "data", profile)
    try:
        say("  the stack comes up")
        stack.up()
        with make_ground(stack, folder / "crew", f"chaos_{uuid4().hex[:6]}", disk) as ground:
            yield ground
    finally:
        stack.command("down", check=False)
        if disk is not None:
            disk.unmount()
        shutil.rmtree(folder, ignore_errors=True)


def possible(
    kinds: Sequence[FaultKind], disk: Disk | None, profile: Profile
) -> tuple[list[FaultKind], list[str]]:
    """Return which of the wanted faults can be made here, and why the others are skipped."""
    skipped: list[str] = [*SKIPPED_ALWAYS]
    if profile == "embedded":
        skipped.append("spark, trino: not in this profile; PROFILE=full has both")
    if disk is None and FaultKind.DISK in kinds:
        left = [kind for kind in kinds if kind is not FaultKind.DISK]
        return left, [*skipped, "disk: no file system may be mounted here, so none can be filled"]
    return list(kinds), skipped


def seeds_from(
    first: int, kinds: Sequence[FaultKind], most: int = MOST, profile: Profile = "embedded"
) -> Iterator[Seed]:
    """Draw seeds without end."""
    dice = random.Random(first)
    while True:
        yield Seed(dice.randrange(1 << 32), tuple(kinds), most, profile)


def run_campaign(
    ground: Ground,
    seeds: Iterator[Seed],
    say: Callable[[str], None],
    *,
    until: float,
    keep: bool,
) -> Tally:
    """Do trials until an instant of the monotonic clock, or until there are no seeds left.

    Args:
        ground: Where.
        seeds: One a trial.
        say: Takes lines of progress.
        until: No trial begins after it.
        keep: Whether trials go into the committed ledger.
    """
    tally = Tally()
    while time.monotonic() < until:
        seed = next(seeds, None)
        if seed is None:
            break
        plan = make_plan(seed)
        say(f"trial {tally.trials + 1} · seed {seed} · jobs {' '.join(plan.jobs)}")
        verdict = run_trial(ground, plan, say)
        tally.add(verdict)
        if keep:
            ledger.keep(ledger.entry(verdict))
        for name, found in verdict.broken.items():
            for sentence in found:
                say(f"    ✗ {name}: {sentence}")
                tally.lines.append(f"seed {seed}: {name}: {sentence}")
        if verdict.broken:
            logs = Path(tempfile.mkdtemp(prefix="openlake-chaos-logs-")) / "crew"
            shutil.copytree(ground.crew.folder, logs)
            say(f"    logs of API, gateway and workers: {logs}")
        say(f"  {verdict.duration_s:.0f} s · {tally}")
    return tally
