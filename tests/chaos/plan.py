"""Which faults a seed stands for: the same seed, the same faults on the same parts, in order.

With another version of this file a seed may stand for others: an old trial is made again at the
commit that its line of the ledger names.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from activities.faults import OF_TASKS
from control.stack.parts import Profile
from tests.chaos.proxy import Mode
from tests.chaos.workload import KINDS

SERVERS = ("temporal", "postgres", "minio", "nessie")
OWN = ("engine-worker", "control-worker", "api", "gateway")
HELPERS = ("fork-server", "warehouse")
"""Processes that OpenLake's own start when they need them, and again after their death."""
LINKS = ("postgres", "temporal", "minio", "nessie", "gateway", "api")
HELD = (
    "closed the attempt",
    "looked at run",
    "merged into run",
    "noted the landing",
    "declared the publication",
    "looked at main",
    "merged into main",
    "noted the publication",
)
"""Steps of a transaction between which the control worker is killed; see `control.faults`."""
MOST = 10
"""Faults of one trial, unless it is said otherwise."""
LEASE_S = 15.0
"""Silence after which an attempt's runner is given up; `control.config.Worker.lease_s`."""
_POINT_TASKS = {
    "c2": "chain",
    "leaf1": "fan",
    "limited": "limited",
    "left": "publish",
    "s1": "spark",
}
"""Task at which a worker may be told to die → the job that has it."""


class FaultKind(StrEnum):
    """What is done."""

    KILL = "kill"
    """-9 to a part."""
    STOP = "stop"
    """SIGSTOP to a part, SIGCONT after some seconds."""
    KILL_TASK = "kill-task"
    """-9 to the user's process of a running attempt: the attempt fails."""
    KILL_RUNNER = "kill-runner"
    """-9 to its detached runner: the attempt is lost."""
    STOP_TASK = "stop-task"
    """SIGSTOP to both, for longer than the lease: the attempt is lost and must not wake again."""
    POINT = "point"
    """The engine worker dies at a named point of one task's attempt."""
    HELD = "held"
    """The control worker is held between two steps of a transaction, and killed there."""
    LINK = "link"
    """A link is slow, cut or half closed for some seconds."""
    DISK = "disk"
    """The data folder's disk is full for some seconds."""
    STORE = "store"
    """The object store refuses some requests and breaks off some answers, for some seconds."""
    CANCEL = "cancel"
    """A user cancels a run that is at work."""


@dataclass(frozen=True)
class Fault:
    """One fault."""

    kind: FaultKind
    target: str = ""
    """A part, a link, `point@task` or a step."""
    seconds: float = 0.0
    mode: Mode = Mode.PASS
    """Of a link."""

    def __str__(self) -> str:
        """Return it as the ledger has it, e.g. `link postgres slow 3 s`."""
        mode = "" if self.mode is Mode.PASS else self.mode.value
        lasting = f"{self.seconds:g} s" if self.seconds else ""
        return " ".join(word for word in (self.kind.value, self.target, mode, lasting) if word)

    @property
    def hits_tasks(self) -> bool:
        """Whether it is aimed at user code: one attempt may end by it and another one follow."""
        return self.kind in (FaultKind.KILL_TASK, FaultKind.KILL_RUNNER, FaultKind.STOP_TASK)

    @property
    def needs_work(self) -> bool:
        """Whether it can only be made while a run is at work."""
        return self.hits_tasks or self.kind is FaultKind.CANCEL

    @property
    def is_armed(self) -> bool:
        """Whether it waits for its moment from before the runs begin."""
        return self.kind in (FaultKind.POINT, FaultKind.HELD)


@dataclass(frozen=True)
class Seed:
    """What has to be given to have the same faults again.

    Args:
        number: Any.
        kinds: What is drawn from; their order counts.
        most: Faults of a trial.
        profile: Of the stack.
    """

    number: int
    kinds: tuple[FaultKind, ...]
    most: int = MOST
    profile: Profile = "embedded"

    def __str__(self) -> str:
        """Return it as `seeds.txt` has it."""
        words = f"{self.number} {','.join(self.kinds)} {self.most}"
        return words if self.profile == "embedded" else f"{words} {self.profile}"

    @classmethod
    def parse(cls, line: str) -> "Seed":
        """Read a line of `seeds.txt`."""
        number, kinds, most, *profile = line.split()
        chosen = tuple(map(FaultKind, kinds.split(",")))
        return cls(int(number), chosen, int(most), "full" if profile == ["full"] else "embedded")


@dataclass(frozen=True)
class Plan:
    """One trial, before it begins."""

    seed: Seed
    jobs: tuple[str, ...]
    statements: int
    faults: tuple[Fault, ...]
    pauses_s: tuple[float, ...]
    """Before each fault that is not armed."""

    @property
    def hits(self) -> int:
        """How many attempts may end through what was aimed at user code."""
        return sum(fault.hits_tasks for fault in self.faults)

    @property
    def starves(self) -> bool:
        """Whether user code may have found no room to write: any attempt may have failed."""
        return any(fault.kind is FaultKind.DISK for fault in self.faults)


def make_plan(seed: Seed) -> Plan:
    """Return what a seed stands for."""
    dice, kinds, most = random.Random(seed.number), seed.kinds, seed.most
    always = ("chain", "publish") if seed.profile == "embedded" else ("chain", "publish", "spark")
    others = [name for name in KINDS if name not in ("chain", "publish", "spark")]
    jobs = (*always, *sorted(dice.sample(others, 5 - len(always))))
    count = dice.randint((most + 1) // 2, most)
    # Named points come first: of what is possible, one each trial at least.
    named = [kind for kind in kinds if kind in (FaultKind.POINT, FaultKind.HELD)]
    chosen = [dice.choice(named)] if named else []
    open_kinds = [kind for kind in kinds if kind is not FaultKind.DISK]
    weights = [6 if kind is FaultKind.KILL else 1 for kind in open_kinds]
    if open_kinds:
        chosen += dice.choices(open_kinds, weights, k=count - len(chosen))
    if FaultKind.DISK in kinds and (dice.random() < 0.1 or not open_kinds):
        chosen.append(FaultKind.DISK)
    faults: list[Fault] = []
    for kind in chosen:
        fault = _fault(dice, kind, jobs, servers(seed.profile))
        if not any(each.is_armed and each.target == fault.target for each in faults):
            faults.append(fault)
    pauses = tuple(round(dice.uniform(0.2, 3.0), 1) for each in faults if not each.is_armed)
    return Plan(seed, jobs, dice.randint(0, 2), tuple(faults), pauses)


def servers(profile: Profile) -> tuple[str, ...]:
    """Return the parts that are not OpenLake's own and that faults are aimed at."""
    return SERVERS if profile == "embedded" else (*SERVERS, "trino")


def _fault(
    dice: random.Random, kind: FaultKind, jobs: Sequence[str], others: Sequence[str]
) -> Fault:
    match kind:
        case FaultKind.KILL:
            target = dice.choice((*OWN, *OWN, *others, *HELPERS))
            down = round(dice.uniform(0, 3), 1) if target in others else 0.0
            return Fault(kind, target, down)
        case FaultKind.STOP:
            target = dice.choice((*OWN, *others))
            return Fault(kind, target, dice.choice((1.0, 4.0, 12.0)))
        case FaultKind.LINK:
            mode = dice.choice((Mode.SLOW, Mode.CUT, Mode.HALF))
            return Fault(kind, dice.choice(LINKS), dice.choice((2.0, 5.0)), mode)
        case FaultKind.POINT:
            tasks = [task for task, job in _POINT_TASKS.items() if job in jobs]
            return Fault(kind, f"{dice.choice(OF_TASKS).value}@{dice.choice(tasks)}")
        case FaultKind.HELD:
            return Fault(kind, dice.choice(HELD))
        case FaultKind.STOP_TASK:
            return Fault(kind, seconds=LEASE_S + 7)
        case FaultKind.DISK:
            return Fault(kind, seconds=6.0)
        case FaultKind.STORE:
            return Fault(kind, "minio", dice.choice((5.0, 10.0)), Mode.FAULTY)
        case FaultKind.KILL_TASK | FaultKind.KILL_RUNNER | FaultKind.CANCEL:
            return Fault(kind)
