"""Starts a part as a detached process, and ends exactly that process again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import psutil

from control.stack.identity import Identity, Record, boot_id
from control.stack.logs import rotate
from control.stack.part import Command, Part
from spec.errors import Unavailable

_KEPT_VARIABLES = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)


def start(part: Part) -> Record:
    """Start a part's process in a session of its own and remember it.

    Raises:
        Unavailable: Its program is missing.
    """
    part.folder.mkdir(parents=True, exist_ok=True, mode=part.folder_mode)
    part.prepare()
    command = part.command()
    part.log.parent.mkdir(parents=True, exist_ok=True)
    rotate(part.log)
    with part.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                command.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(command),
                cwd=command.cwd or part.layout.data_dir,
                user=command.user,
                umask=0o077,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Unavailable(
                f"{part.title} cannot start: {error.filename} is missing; run `openlake install`"
            ) from error
    identity = Identity.of(process.pid)
    # It is on its own from here: whoever runs this need not wait for it.
    process.returncode = 0
    if identity is None:
        raise Unavailable(f"{part.title} ended at once; read {part.log}")
    record = Record(identity, command.fingerprint(part.version()), time.time())
    record.write(part.record)
    return record


def stop(part: Part, record: Record, say: Callable[[str], None]) -> None:
    """End a part politely, and by force when its grace is over."""
    identity = record.identity
    if identity.alive():
        say("stopping")
        os.kill(identity.pid, part.stop_signal)
        if identity.stopped():
            os.kill(identity.pid, signal.SIGCONT)
        if not _gone_within(identity, part.grace_s):
            say("did not end in time; killing it")
    kill(part, record)


def kill(part: Part, record: Record) -> None:
    """End a part by force: its process group, and its whole family where the part says so."""
    identity = record.identity
    if not identity.alive():
        _sweep(identity)
    else:
        family = _family(identity.pid) if part.kill_tree else []
        _signal_group(identity.pid)
        for child in family:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        _gone_within(identity, 10)
        psutil.wait_procs(family, timeout=5)
    part.record.unlink(missing_ok=True)


def memory_bytes(part: Part, identity: Identity) -> int:
    """Return what a part holds in memory, shared pages counted once in all.

    What it started in sessions of their own counts where it ends with the part, not where it is a
    part or an attempt itself.
    """
    total = 0
    for process in (psutil.Process(identity.pid), *_family(identity.pid)):
        try:
            if not part.kill_tree and os.getsid(process.pid) != identity.pid:
                continue
            full = process.memory_full_info()
            total += getattr(full, "pss", full.rss)
        except (psutil.Error, ProcessLookupError):
            continue
    return total


def _sweep(identity: Identity) -> None:
    """End what a dead process left in its group, for it may still hold the ports.

    The system gives a process ID to nobody else while a group of that number exists, so unless
    somebody has it now, or the machine was started anew, the group is the one that was left.
    """
    now = Identity.of(identity.pid)
    if identity.boot == boot_id() and (now is None or now == identity):
        _signal_group(identity.pid)


def _environment(command: Command) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **command.env}


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _gone_within(identity: Identity, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while identity.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
