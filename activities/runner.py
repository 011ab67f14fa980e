"""The detached runner: starts one user process and outlives the worker that asked for it.

Run as `python -S -m activities.runner FOLDER`; a little of the standard library is all it needs.
The folder holds `spec.json` and receives:

    who.json    who the runner is; made exclusively, so a second runner gives up
    child.json  who the user's process (and group leader) is
    lease       monotonic clock of the last sign of life, renewed every two seconds
    log         what the process writes to stdout and stderr
    exit.json   how it ended; made exclusively, so the end is said once and never changes
    terminate   put there by a worker: stop, politely first

The command that a worker starts returns as soon as the folder is claimed: 0 it is ours, 3 another
runner has it. What goes on is a process of its own session that no signal to the worker reaches.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from activities.processes import Identity, adopt_orphans, identify, kill_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

CLAIMED = 0
TAKEN = 3
LEASE_RENEWAL_S = 2.0


def main(folder: str) -> int:
    """Claim the folder, detach, and answer whether it was claimed."""
    os.umask(0o077)
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        answer = os.read(reader, 1)
        return CLAIMED if answer == b"y" else TAKEN if answer == b"n" else 1
    os.close(reader)
    os.setsid()
    os.chdir(folder)
    _detach_streams()
    with open("spec.json") as file:
        spec = json.load(file)
    _renew()
    if not publish("who.json", identify(os.getpid()).describe()):
        os.write(writer, b"n")
        os._exit(TAKEN)
    os.write(writer, b"y")
    os.close(writer)
    _follow(spec)
    os._exit(0)


def publish(path: str, content: dict[str, Any]) -> bool:
    """Write a JSON file that appears at once and only once; False when it is there already."""
    draft = f"{path}.{os.getpid()}.{time.monotonic_ns()}"
    with open(draft, "w") as file:
        json.dump(content, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


def _follow(spec: dict[str, Any]) -> None:
    """Run the process to its end, and leave nothing of it behind."""
    wake, interrupted = _watch_signals()
    started = time.time()
    child = _spawn(spec)
    adopt_orphans()
    kill_at: float | None = None
    while not _has_ended(child.pid):
        now = time.monotonic()
        if kill_at is None and (interrupted or os.path.exists("terminate")):
            _signal_group(child.pid, signal.SIGTERM)
            kill_at = now + float(spec["grace_s"])
        if kill_at is not None and now >= kill_at:
            _signal_group(child.pid, signal.SIGKILL)
        _renew()
        pause = LEASE_RENEWAL_S if kill_at is None else min(LEASE_RENEWAL_S, kill_at - now)
        if select.select([wake], [], [], max(pause, 0.05))[0]:
            os.read(wake, 4096)
    ended = time.time()
    # Not reaped yet, the leader still holds its number: the group is surely the child's own.
    _signal_group(child.pid, signal.SIGKILL)
    status = os.waitpid(child.pid, 0)[1]
    kill_tree(None, spec["marker"], below=os.getpid())
    code = os.waitstatus_to_exitcode(status)
    end: dict[str, Any] = {"code": code, "started": started, "ended": ended}
    if os.path.exists("terminate"):
        end["terminated"] = True
    elif interrupted:
        end["lost"] = "The machine told all its processes to stop."
    publish("exit.json", end)


def _watch_signals() -> tuple[int, list[int]]:
    """Return a descriptor that wakes when something happened, and where SIGTERMs are noted.

    A worker asks for the end with the file `terminate` and then SIGTERM; SIGTERM alone is the
    machine going down, for which the user's code is not to blame.
    """
    interrupted: list[int] = []
    wake, poke = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(poke, False)
    signal.set_wakeup_fd(poke, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.signal(signal.SIGTERM, lambda number, _: interrupted.append(number))
    return wake, interrupted


def _spawn(spec: dict[str, Any]) -> Identity:
    """Fork and exec the user's process in its own group, with exactly the given environment."""
    if spec["uid"] is not None:
        _hand_over(spec["uid"])
    gate, opener = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(opener)
        _become(gate, spec)
    os.close(gate)
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass
    child = identify(pid)
    # The process waits at the gate until it is known who it is: nobody is ever left unknown.
    publish("child.json", child.describe())
    os.write(opener, b"g")
    os.close(opener)
    return child


def _become(gate: int, spec: dict[str, Any]) -> NoReturn:
    """Turn into the user's process, unless the runner died before it opened the gate."""
    try:
        if os.read(gate, 1) != b"g":
            os._exit(127)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        if spec["uid"] is not None:
            os.setgroups([])
            os.setgid(spec["uid"])
            os.setuid(spec["uid"])
        os.chdir(spec["cwd"])
        os.execve(spec["argv"][0], spec["argv"], spec["environment"])  # noqa: S606
    except BaseException as error:
        os.write(2, f"The process could not be started: {error}\n".encode())
    os._exit(127)


def _has_ended(pid: int) -> bool:
    """Tell whether the process has ended, without reaping it; other children are orphans of its."""
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid == pid:
            return ended is not None
        os.waitpid(ended.si_pid, 0)


def _signal_group(leader: int, number: signal.Signals) -> None:
    try:
        os.killpg(leader, number)
    except OSError:
        pass


def _hand_over(uid: int) -> None:
    """Give the folders that user code writes to the user it runs as; the records stay ours."""
    os.chmod(".", 0o711)  # noqa: S103
    for name in ("given", "work", "out", "tmp"):
        os.chown(name, uid, uid)
        for parent, folders, files in os.walk(name):
            for entry in folders + files:
                os.chown(os.path.join(parent, entry), uid, uid, follow_symlinks=False)


def _detach_streams() -> None:
    """Let go of the worker's pipes; what goes wrong in the runner itself is in `runner.log`."""
    null = os.open(os.devnull, os.O_RDONLY)
    own = os.open("runner.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(null, 0)
    os.dup2(own, 1)
    os.dup2(own, 2)


def _renew() -> None:
    draft = f"lease.{os.getpid()}"
    with open(draft, "w") as file:
        file.write(repr(time.monotonic()))
    os.replace(draft, "lease")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
