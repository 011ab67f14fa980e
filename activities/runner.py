"""The detached runner: starts one user process and outlives the worker that asked for it.

It is forked by a `fork_server`; a little of the standard library is all it needs.
The folder holds `spec.json` and receives:

    who.json    who the runner is; made exclusively, so a second runner gives up
    child.json  who the user's process (and group leader) is
    lease       monotonic clock of the last sign of life, renewed every two seconds
    log         what the process writes to stdout and stderr
    exit.json   how it ended; made exclusively, so the end is said once and never changes
    terminate   put there by a worker: stop, politely first

It is a session of its own that no signal to the worker reaches.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time

from activities.processes import Identity, adopt_orphans, identify, kill_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    Spec = dict[str, Any]
    """What `spec.json` holds; see `engines.local.LocalEngine`."""
    Begin = Callable[[Spec], None]
    """Turns the user's process, where all else is set, into the user's program."""

CLAIMED = b"y"
TAKEN = b"n"
LEASE_RENEWAL_S = 2.0


def run(folder: str, answer: int, begin: Begin) -> NoReturn:
    """Become the runner of a folder: claim it, say so, and see its process to the end.

    Args:
        folder: Of the attempt.
        answer: Gets `CLAIMED`, or `TAKEN` when another runner has the folder. A worker that has
            died meanwhile changes nothing: the next one finds the claim.
        begin: Called in the user's process. What it raises beyond `Exception` leaves this function,
            in that process alone.
    """
    os.umask(0o077)
    os.setsid()
    os.chdir(folder)
    _detach_streams()
    with open("spec.json") as file:
        spec = json.load(file)
    wake, interrupted = _watch_signals()
    _renew()
    claimed = publish("who.json", identify(os.getpid()).describe())
    try:
        os.write(answer, CLAIMED if claimed else TAKEN)
    except BrokenPipeError:
        pass
    os.close(answer)
    if claimed:
        _follow(spec, begin, wake, interrupted)
    os._exit(0)


def execute(spec: Spec) -> None:
    """Begin as a fresh program, with exactly the given environment."""
    os.execve(spec["argv"][0], spec["argv"], spec["environment"])  # noqa: S606


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


def _follow(spec: Spec, begin: Begin, wake: int, interrupted: list[int]) -> None:
    """Run the process to its end, and leave nothing of it behind."""
    started = time.time()
    adopted = adopt_orphans()
    child = _spawn(spec, begin)
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
    if not (adopted and _is_childless()):
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


def _spawn(spec: Spec, begin: Begin) -> Identity:
    """Fork the user's process, in a group of its own."""
    if spec["uid"] is not None:
        _hand_over(spec["uid"])
    gate, opener = os.pipe()
    # A request to end waits until the process takes it as its own, or it would be lost there.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = os.fork()
    if pid == 0:
        os.close(opener)
        _become(gate, spec, begin)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
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


def _become(gate: int, spec: Spec, begin: Begin) -> NoReturn:
    """Turn into the user's process, unless the runner died before it opened the gate."""
    try:
        if os.read(gate, 1) != b"g":
            os._exit(127)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, 256)
        if spec["uid"] is not None:
            os.setgroups([])
            os.setgid(spec["uid"])
            os.setuid(spec["uid"])
        os.chdir(spec["cwd"])
        begin(spec)
    except Exception as error:
        os.write(2, f"The process could not be started: {error}\n".encode())
    os._exit(127)


def _has_ended(pid: int) -> bool:
    """Tell whether the process has ended, without reaping it; other children are orphans of its."""
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid == pid:
            return ended is not None
        os.waitpid(ended.si_pid, 0)


def _is_childless() -> bool:
    """Tell whether nothing is left below this process, which adopts all orphans; reaps what ended.

    To look through all processes of the machine takes milliseconds, and few tasks leave anything.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


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
