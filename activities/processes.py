"""Who a process is, so that a recycled number is never taken for it: boot, pid and start time.

Standard library only, and little of it: the detached runner imports this, and every module it needs
(`typing` and `pathlib` first of all) would be paid for by every task.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from enum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "OPENLAKE_ATTEMPT_MARK"
"""Environment variable that every process of an attempt inherits, wherever it forks itself to.

Its value is the attempt's folder: another stack on the machine may have an attempt of that number.
"""

_LINUX = sys.platform == "linux"
_SET_CHILD_SUBREAPER = 36
"""See prctl(2)."""


class Identity:
    """One process of one boot of one machine.

    Args:
        boot: The boot it belongs to.
        pid: Its number.
        start: When it started, in the system's own words; compared, never read.
    """

    __slots__ = ("boot", "pid", "start")

    def __init__(self, boot: str, pid: int, start: str) -> None:
        """See class."""
        self.boot = boot
        self.pid = pid
        self.start = start

    def describe(self) -> dict[str, str | int]:
        """Return it as JSON holds it; `Identity(**described)` is its inverse."""
        return {"boot": self.boot, "pid": self.pid, "start": self.start}


class Pulse(StrEnum):
    """What a process does now."""

    ALIVE = "alive"
    STOPPED = "stopped"
    """By SIGSTOP or a debugger: it exists and does nothing."""
    DEAD = "dead"


def boot_id() -> str:
    """Return an id that changes whenever this machine starts."""
    if _LINUX:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    return _ask("sysctl", "-n", "kern.bootsessionuuid")


def identify(pid: int) -> Identity:
    """Return the identity of the process that has this pid now.

    Raises:
        ProcessLookupError: there is none.
    """
    seen = _stat(pid)
    if seen is None:
        raise ProcessLookupError(f"there is no process {pid}")
    return Identity(boot_id(), pid, seen[1])


def pulse(who: Identity) -> Pulse:
    """Tell whether exactly this process lives; a zombie counts as dead."""
    if who.boot != boot_id():
        return Pulse.DEAD
    seen = _stat(who.pid)
    if seen is None or seen[1] != who.start or seen[0] in "ZX":
        return Pulse.DEAD
    return Pulse.STOPPED if seen[0] in "Tt" else Pulse.ALIVE


def send(who: Identity, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone.

    Where the system has process descriptors, the pid cannot be recycled between look and signal.
    """
    opener = getattr(os, "pidfd_open", None)
    try:
        if opener is None:
            if pulse(who) is Pulse.DEAD:
                return False
            os.kill(who.pid, number)
            return True
        descriptor: int = opener(who.pid)
    except OSError:
        return False
    try:
        if pulse(who) is Pulse.DEAD:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def adopt_orphans() -> bool:
    """Become the parent of every process below whose own parent dies, as init would.

    So a daemon stays below this process, though it is a session of its own and has wiped its
    environment. Where the system lacks that (False), daemons are known by their marker alone.
    """
    if not _LINUX:
        return False
    import ctypes  # Only here: it takes as long to import as all the rest.

    return ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def kill_tree(leader: Identity | None, marker: str, *, below: int | None = None) -> None:
    """Kill the leader's process group and whatever else carries the marker, and wait for it.

    A group is signalled only while its leader is known to live: an empty group's number may belong
    to somebody else by now.

    Args:
        leader: Of the group.
        marker: See `MARKER`.
        below: Kill what descends from this process as well.
    """
    deadline = time.monotonic() + 5
    while True:
        left = [found for found in marked(marker) if found.pid != os.getpid()]
        if below is not None:
            left += descendants(below)
        alive = leader is not None and pulse(leader) is not Pulse.DEAD
        if not alive and not left:
            return
        if leader is not None and alive:
            try:
                os.killpg(leader.pid, signal.SIGKILL)
            except OSError:
                send(leader, signal.SIGKILL)
        for found in left:
            send(found, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.005)


def marked(marker: str) -> Iterator[Identity]:
    """Find the living processes of this machine that carry this marker in their environment."""
    if not _LINUX:
        return
    wanted = f"{MARKER}={marker}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                carries = wanted in file.read().split(b"\0")
            who = identify(int(entry)) if carries else None
        except OSError:
            continue
        if who is not None and pulse(who) is not Pulse.DEAD:
            yield who


def descendants(pid: int) -> list[Identity]:
    """Find the living processes below this one."""
    if not _LINUX:
        return []
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        fields = _fields(int(entry)) if entry.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found: list[Identity] = []
    parents = [pid]
    while parents:
        for child in children.get(parents.pop(), []):
            parents.append(child)
            try:
                who = identify(child)
            except ProcessLookupError:
                continue
            if pulse(who) is not Pulse.DEAD:
                found.append(who)
    return found


def _stat(pid: int) -> tuple[str, str] | None:
    """Return (state letter, start time) of a pid; see proc(5), fields 3 and 22 of `stat`."""
    if _LINUX:
        fields = _fields(pid)
        return None if fields is None else (fields[0].decode(), fields[19].decode())
    state, _, start = _ask("ps", "-o", "state=,lstart=", "-p", str(pid)).partition(" ")
    return (state[:1], start.strip()) if state else None


def _fields(pid: int) -> list[bytes] | None:
    """Return what `/proc/PID/stat` says from the state on; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command in brackets may hold anything, spaces and brackets included.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _ask(*command: str) -> str:
    import subprocess  # Only here: it takes longer to import than all the rest.

    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
