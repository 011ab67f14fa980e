"""Runs an installer: killed when it is given up, and its last words kept for people."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from activities.processes import MARKER
from spec.errors import LibraryInstallationFailed

_TAIL_LINES = 40
_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Installer:
    """How installers are run for one attempt.

    Args:
        mark: What their processes carry: they are the attempt's own.
        log: The attempt's log.
        uid: The user they run as: installing may run code of the packages.
    """

    mark: str
    log: Path
    uid: int | None
    environment: Mapping[str, str] = field(repr=False)

    async def run(
        self,
        what: str,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        lock: int,
        trusted: bool = False,
    ) -> None:
        """Run one command to its end, its output in the attempt's log.

        Args:
            what: What is being done, for the error.
            argv: The command.
            cwd: Where.
            lock: A descriptor that it inherits.
            trusted: It runs no code of what it installs, so it may run as the worker itself.

        Raises:
            LibraryInstallationFailed: it failed; says its last lines.
        """
        uid = None if trusted else self.uid
        environment = {**self.environment, "TMPDIR": str(cwd), MARKER: self.mark}
        if uid is not None:
            # A cache that tasks can write would let one choose what the others install.
            environment |= {"HOME": str(cwd), "UV_NO_CACHE": "1"}
        with self._open_log() as log:
            began = log.tell()
            # umask: what is installed may be read by the user that runs it.
            process = await asyncio.create_subprocess_exec(
                *map(str, argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cwd,
                env=environment,
                start_new_session=True,
                pass_fds=(lock,),
                umask=0o022,
                user=uid,
                group=uid,
                extra_groups=None if uid is None else [],
            )
        try:
            code = await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode is None:
                await process.wait()
        if code != 0:
            raise _failure(what, self.log, began)

    def say(self, line: str) -> None:
        """Write a line of our own into the attempt's log."""
        with self._open_log() as log:
            log.write(f"{line}\n".encode())

    def _open_log(self) -> BinaryIO:
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        file = os.fdopen(log, "ab")
        file.seek(0, os.SEEK_END)
        return file


def _failure(what: str, log: Path, began: int) -> LibraryInstallationFailed:
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(began, size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()
    trace = "\n".join(lines[-_TAIL_LINES:])
    reason = " ".join(" ".join(line.split()) for line in lines[-6:] if line.strip())
    return LibraryInstallationFailed(f"{what} failed: {reason}"[:1000], trace=trace)
