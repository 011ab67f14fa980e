"""Who a process is, beyond its number: the boot it lives in and the instant it started.

A process ID alone is recycled by the system; the three together are not.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Identity:
    """One process that was started once."""

    boot: str
    pid: int
    started: str
    """Clock ticks since boot on Linux (exact), seconds since the epoch elsewhere."""

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return who has this process ID now, or None."""
        try:
            return cls(boot_id(), pid, _start_of(pid))
        except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            return None

    def alive(self) -> bool:
        """Tell whether this very process still runs; a zombie does not."""
        if Identity.of(self.pid) != self:
            return False
        try:
            return psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def stopped(self) -> bool:
        """Tell whether the process is suspended (SIGSTOP), so that no polite signal reaches it."""
        try:
            return self.alive() and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def dump(self) -> dict[str, object]:
        """Return the identity for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Record:
    """What `up` remembers of a part it started; one JSON file a part."""

    identity: Identity
    fingerprint: str
    """Changes with the command line, its environment and the versions behind it."""
    started_at: float
    """Seconds since the epoch."""

    def write(self, file: Path) -> None:
        """Store the record atomically."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Record | None":
        """Return the record, or None when there is none or it was torn."""
        try:
            content = json.loads(file.read_text())
            identity = Identity(**content.pop("identity"))
            return cls(identity, **content)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None


def boot_id() -> str:
    """Return what changes with every boot of this machine."""
    if _BOOT_ID.exists():
        return _BOOT_ID.read_text().strip()
    return str(int(psutil.boot_time()))


def _start_of(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    if not _BOOT_ID.exists():
        return str(psutil.Process(pid).create_time())
    # The name in parentheses may hold spaces; field 22 is the start time (proc(5)).
    return stat.read_text().rpartition(")")[2].split()[19]
