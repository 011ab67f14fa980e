"""Ends the task attempts of this machine, which outlive their worker on purpose."""

import signal
import time
from pathlib import Path

from activities import processes
from activities.folder import AttemptFolder
from activities.processes import Pulse

_GRACE_S = 5.0
"""A little longer than the runner gives the user's process after SIGTERM."""
_REASON = "`openlake down` stopped it."


def stop_attempts(folder: Path) -> int:
    """Stop whatever attempts still run under a folder, and return how many did.

    Call it when the engine worker is down. Each counts as lost through no fault of its own, so the
    next worker tries it again as an infrastructure retry.
    """
    running = [each for each in _attempts(folder) if each.exit is None and each.runner is not None]
    alive = [each for each in running if _pulse(each) is not Pulse.DEAD]
    for each in alive:
        if each.runner is not None:
            # SIGTERM without the file `terminate` is the machine's own wish, not somebody's.
            processes.send(each.runner, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and any(_pulse(each) is Pulse.ALIVE for each in alive):
        time.sleep(0.1)
    for each in running:
        if each.exit is None:
            each.give_up(_REASON)
    return len(alive)


def _attempts(folder: Path) -> list[AttemptFolder]:
    if not folder.is_dir():
        return []
    return [AttemptFolder(each, each.name) for each in folder.iterdir() if each.is_dir()]


def _pulse(attempt: AttemptFolder) -> Pulse:
    runner = attempt.runner
    return Pulse.DEAD if runner is None else processes.pulse(runner)
