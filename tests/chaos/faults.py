"""Makes faults, and looks whether they fired: a trial whose fault did not fire proves nothing."""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil

from activities.folder import AttemptFolder
from activities.processes import Identity, Pulse, pulse, send
from control.stack.identity import Record
from tests.chaos.ground import Ground
from tests.chaos.plan import HELPERS, OWN, Fault, FaultKind
from tests.chaos.proxy import Mode
from tests.chaos.workload import Asked, is_over
from tests.integration.stack import wait_for

T = TypeVar("T")

_FIND_WITHIN_S = 20.0
_ARMED_WITHIN_S = 90.0


@dataclass(frozen=True)
class Strike:
    """A fault that was made."""

    fault: Fault
    fired: bool
    kills: int
    detail: str = ""


@dataclass
class Armoury:
    """Makes the faults of one trial.

    Args:
        ground: Where.
        dice: Chooses among what is at work.
        asked: The runs of the trial; gets those that are cancelled.
    """

    ground: Ground
    dice: random.Random
    asked: Asked
    strikes: list[Strike] = field(default_factory=list[Strike])

    def arm(self, fault: Fault) -> None:
        """Ask for a death or a hold at a named point; `strike_armed` waits for it."""
        (self.ground.crew.faults / fault.target).touch()

    def strike(self, fault: Fault) -> None:
        """Make a fault and undo what can be undone; returns when that is done."""
        match fault.kind:
            case FaultKind.KILL:
                made = self._kill(fault)
            case FaultKind.STOP:
                made = self._stop(fault)
            case FaultKind.LINK | FaultKind.STORE:
                made = self._link(fault)
            case FaultKind.CANCEL:
                made = self._cancel(fault)
            case FaultKind.DISK:
                made = self._fill(fault)
            case FaultKind.KILL_TASK | FaultKind.KILL_RUNNER | FaultKind.STOP_TASK:
                made = self._hit_task(fault)
            case FaultKind.POINT | FaultKind.HELD:
                made = self._strike_armed(fault)
        self.strikes.append(made)

    def strike_armed(self, faults: Sequence[Fault]) -> Iterator[Strike]:
        """Wait for what is armed, in whatever order it comes; yields each as it was made."""
        waiting = list(faults)
        end = time.monotonic() + _ARMED_WITHIN_S
        while waiting and time.monotonic() < end:
            for fault in [each for each in waiting if self._sign(each).exists()]:
                waiting.remove(fault)
                self.strike(fault)
                yield self.strikes[-1]
            time.sleep(0.1)
        for fault in waiting:
            self.strikes.append(Strike(fault, fired=False, kills=0, detail="nobody came past"))
            yield self.strikes[-1]

    def disarm(self) -> None:
        """Take back what was asked for and did not come; nobody is held any more."""
        for file in self.ground.crew.faults.iterdir():
            file.unlink(missing_ok=True)

    def _kill(self, fault: Fault) -> Strike:
        crew = self.ground.crew
        if fault.target in OWN:
            pid = crew.kill(fault.target)
            _within(lambda: crew.is_new(fault.target, pid), 10)
            return Strike(fault, crew.is_new(fault.target, pid), 1, f"process {pid}")
        if fault.target in HELPERS:
            return self._kill_helper(fault)
        process = self.ground.stack.process(fault.target)
        self.ground.stack.kill(fault.target)
        time.sleep(fault.seconds)
        fired = not process.is_running()
        self.ground.mend()
        return Strike(fault, fired, 1, f"process {process.pid}")

    def _kill_helper(self, fault: Fault) -> Strike:
        helper = _within(lambda: self._find_helper(fault.target), _FIND_WITHIN_S)
        if helper is None:
            return Strike(fault, fired=False, kills=0, detail="none was running")
        helper.kill()
        _within(lambda: not _lives(helper), 10)
        return Strike(fault, not _lives(helper), 1, f"process {helper.pid}")

    def _find_helper(self, name: str) -> psutil.Process | None:
        if name == "warehouse":
            files = sorted(self.ground.stack.layout.run_dir.glob("warehouse-*.json"))
            records = [record for file in files if (record := Record.read(file)) is not None]
            alive = [each.identity.pid for each in records if each.identity.alive()]
            return psutil.Process(alive[0]) if alive else None
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.ground.crew.pid("engine-worker")).children():
                if any("fork_server" in word for word in child.cmdline()):
                    return child
        return None

    def _stop(self, fault: Fault) -> Strike:
        if fault.target in OWN:
            family = [psutil.Process(self.ground.crew.pid(fault.target))]
        else:
            leader = self.ground.stack.process(fault.target)
            family = [leader, *leader.children(recursive=True)]
        with _suspended(family) as fired:
            time.sleep(fault.seconds)
        return Strike(fault, fired, 0, f"{len(family)} processes")

    def _link(self, fault: Fault) -> Strike:
        proxies = self.ground.proxies
        proxies.set(fault.target, fault.mode)
        time.sleep(fault.seconds)
        link = proxies.links[fault.target]

        def is_hurt() -> bool:
            if link.hits == 0:
                # A quiet link has to be used to be hurt; the API's own check uses three of them.
                self.ground.api.knock("/health")
            return link.hits > 0

        _within(is_hurt, _FIND_WITHIN_S)
        hits = link.hits
        proxies.set(fault.target, Mode.PASS)
        return Strike(fault, hits > 0, 0, f"{hits} hits")

    def _cancel(self, fault: Fault) -> Strike:
        workload = self.ground.workload
        open_runs = [
            run_id
            for run_id in self.asked.runs.values()
            if run_id not in self.asked.cancelled and not is_over(workload.run(run_id))
        ]
        if not open_runs:
            return Strike(fault, fired=False, kills=0, detail="no run was at work")
        run_id = self.dice.choice(open_runs)
        self.asked.cancelled.add(run_id)
        workload.cancel(run_id)
        return Strike(fault, fired=True, kills=0, detail=f"run {run_id}")

    def _fill(self, fault: Fault) -> Strike:
        disk = self.ground.disk
        assert disk is not None, "disk-full needs a disk of its own"
        disk.fill()
        fired = disk.is_full()
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            # Whoever deletes something gives room to others.
            disk.fill()
            time.sleep(0.5)
        disk.free()
        self.ground.mend()
        return Strike(fault, fired, 0)

    def _hit_task(self, fault: Fault) -> Strike:
        found = _within(self._find_running, _FIND_WITHIN_S)
        if found is None:
            return Strike(fault, False, 0, "no attempt was running")
        folder, runner, child = found
        if fault.kind is FaultKind.STOP_TASK:
            processes = [psutil.Process(each.pid) for each in (runner, child)]
            with _suspended(processes) as fired:
                # The worker kills what it gives up, and the kernel kills also what is suspended.
                _within(lambda: pulse(runner) is Pulse.DEAD, fault.seconds + _FIND_WITHIN_S)
            return Strike(fault, fired and pulse(runner) is Pulse.DEAD, 0, folder.key)
        victim = child if fault.kind is FaultKind.KILL_TASK else runner
        fired = send(victim, signal.SIGKILL)
        _within(lambda: pulse(victim) is Pulse.DEAD, 10)
        return Strike(fault, fired and pulse(victim) is Pulse.DEAD, 1, folder.key)

    def _find_running(self) -> "tuple[AttemptFolder, Identity, Identity] | None":
        root = self.ground.stack.layout.attempts_dir
        running: list[tuple[AttemptFolder, Identity, Identity]] = []
        for path in sorted(root.glob("openlake-*")):
            folder = AttemptFolder(path, path.name)
            runner, child = folder.runner, folder.child
            if folder.exit is None and runner and child and pulse(child) is Pulse.ALIVE:
                running.append((folder, runner, child))
        return self.dice.choice(running) if running else None

    def _strike_armed(self, fault: Fault) -> Strike:
        if fault.kind is FaultKind.POINT:
            return Strike(fault, fired=True, kills=1)
        crew = self.ground.crew
        pid = crew.kill("control-worker")
        self._sign(fault).unlink()
        _within(lambda: crew.is_new("control-worker", pid), 10)
        return Strike(fault, crew.is_new("control-worker", pid), 1, f"process {pid}")

    def _sign(self, fault: Fault) -> Path:
        """Return the file that is there once somebody has come to the point."""
        word = "fired" if fault.kind is FaultKind.POINT else "reached"
        return self.ground.crew.faults / f"{fault.target}.{word}"


def _within(ask: Callable[[], T | None], seconds: float) -> T | None:
    """Return the first answer that is true; None when none comes in time."""
    try:
        return wait_for(ask, seconds, "a sign of the fault")
    except AssertionError:
        return None


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _stands_still(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_STOPPED
    return False


@contextmanager
def _suspended(family: list[psutil.Process]) -> Iterator[bool]:
    """Stop processes; yields whether they really stand still."""
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield bool(_within(lambda: _stands_still(family[0]), 3))
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()
