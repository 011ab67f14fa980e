"""Runs the programs of an installation so that a cancelled one leaves no child behind."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spec.errors import OpenLakeError, Unavailable

_TAIL_LINES = 40

_CAUSES = (
    (
        ("no space left on device", "disk quota exceeded"),
        "the disk is full; free some space and run the same command again",
    ),
    (
        (
            "no such host",
            "unknownhost",
            "could not resolve",
            "dns error",
            "temporary failure in name resolution",
            "network is unreachable",
            "connection refused",
            "connection reset",
            "connect timed out",
            "i/o timeout",
            "tls handshake timeout",
            "error sending request",
            "proxyconnect",
        ),
        "the package registry cannot be reached; check the network (or its proxy) and run the "
        "same command again",
    ),
    (
        ("pkix path building failed", "certificate signed by unknown authority", "unknownissuer"),
        "the registry's certificate is not trusted here; point SSL_CERT_FILE at this machine's "
        "certificate bundle and run the same command again",
    ),
    (
        ("c compiler", "cgo: ", '"gcc": executable file not found'),
        "a C compiler is wanted but missing; set CGO_ENABLED=0 or install one, then run the same "
        "command again",
    ),
)


class Cancelled(OpenLakeError):
    """The installation was told to stop."""


class Runner:
    """Starts commands in process groups of their own and can end all of them at once."""

    def __init__(self) -> None:
        """See class."""
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def run(
        self,
        what: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> str:
        """Run one command to its end and return all it printed.

        Args:
            what: Names the step in errors.
            argv: The command; no shell is involved.
            log: Where its output goes while it runs.
            env: Added to this process's environment.
            on_tick: Called about twice a second meanwhile.

        Raises:
            Cancelled: `cancel` was called.
            Unavailable: It failed; the message names the cause where it is known.
        """
        with log.open("wb") as out:
            process = self._start(argv, out.fileno(), env)
            try:
                while True:
                    try:
                        code = process.wait(timeout=0.5)
                        break
                    except subprocess.TimeoutExpired:
                        if on_tick:
                            on_tick()
            finally:
                with self._lock:
                    self._running.discard(process)
                _end(process)
        output = log.read_text(errors="replace")
        if self._cancelled.is_set():
            raise Cancelled(f"{what}: stopped")
        if code != 0:
            raise Unavailable(f"{what} could not be installed: {explain(output, log)}")
        return output

    def cancel(self) -> None:
        """End every running command and refuse new ones."""
        self._cancelled.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(
        self, argv: Sequence[str | Path], out: int, env: Mapping[str, str] | None
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled.is_set():
                raise Cancelled("stopped")
            process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
            self._running.add(process)
            return process


def explain(output: str, log: Path) -> str:
    """Turn a tool's output into one sentence with what to do."""
    lowered = output.lower()
    for signs, sentence in _CAUSES:
        if any(sign in lowered for sign in signs):
            return sentence
    lines = [line.strip() for line in output.splitlines()[-_TAIL_LINES:] if line.strip()]
    last = lines[-1][:300] if lines else "it printed nothing"
    return f"{last} (all it said: {log})"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
