"""Java's class-data sharing for Spark's driver: a start takes a third of the work.

A driver loads 25,000 classes before it does anything. Java can map them from an archive that was
made for exactly this runtime and these jars. The first attempt on a machine writes down what it
loads; once it has ended, an idle-priority process makes the archive beside the jars, for all later
attempts. Where that fails, Spark starts as it always did.
"""

import asyncio
import fcntl
import hashlib
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

_COLLECTOR = "-XX:+UseSerialGC"
"""An archive serves the collector it was made with; this one suits a small heap."""

_LATE_C2 = (
    "-XX:Tier4InvocationThreshold=20000",
    "-XX:Tier4MinInvocationThreshold=5000",
    "-XX:Tier4CompileThreshold=50000",
    "-XX:Tier4BackEdgeThreshold=200000",
)
"""Optimise only what is really hot: in a starting driver the optimiser takes half of the CPU."""

_MAKE = """\
final=$1; shift
rm -f "$final.draft"
"$@" && chmod 644 "$final.draft" && mv "$final.draft" "$final"
code=$?
rm -f "$final.draft" "$final.lock"
exit $code
"""

_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class ClassArchive:
    """The archive for one Java runtime and one class path.

    Args:
        folder: Where archives are kept; they are made only if it can be written.
        java_home: The runtime.
        class_path: Exactly as the driver gets it.
        jars: All jars on it; a change of any makes another archive.
    """

    def __init__(
        self, folder: Path, java_home: Path, class_path: str, jars: Sequence[Path]
    ) -> None:
        """See class."""
        self._java = java_home / "bin" / "java"
        self._class_path = class_path
        content = "\n".join([str(java_home), class_path, *map(_fingerprint, jars)])
        name = hashlib.sha256(content.encode()).hexdigest()[:16]
        self._path = folder / f"spark-{name}.jsa"

    def java_options(self, class_list: Path) -> tuple[str, ...]:
        """Return the driver's options: use the archive, or write down what to put into it."""
        shared = (
            (f"-XX:SharedArchiveFile={self._path}", "-Xshare:auto", *_QUIET)
            if self._path.exists()
            else (f"-XX:DumpLoadedClassList={class_list}", *_QUIET)
        )
        return (_COLLECTOR, *_LATE_C2, *shared)

    async def make(self, class_list: Path) -> None:
        """Make the archive unless it is there or being made; takes a minute of idle CPU.

        The process that makes it holds the lock and puts the archive in place by itself, so a
        worker's death in between neither loses the work nor leaves the lock behind.
        """
        lock = self._lock(class_list)
        if lock is None:
            return
        try:
            process = await asyncio.create_subprocess_exec(
                *("nice", "-n", "19", "sh", "-c", _MAKE, "sh", str(self._path)),
                *(str(self._java), "-Xshare:dump", _COLLECTOR, *_QUIET),
                f"-XX:SharedClassListFile={class_list}",
                f"-XX:SharedArchiveFile={self._path}.draft",
                *("-cp", self._class_path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath},
                start_new_session=True,
                pass_fds=(lock,),
            )
        finally:
            os.close(lock)
        try:
            code = await process.wait()
            _log.info("spark.class_archive", path=str(self._path), exit_code=code)
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise

    def _lock(self, class_list: Path) -> int | None:
        """Return the lock's descriptor, or None when there is nothing to do here."""
        if self._path.exists() or not class_list.exists():
            return None
        try:
            lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return None
        return lock


def _fingerprint(jar: Path) -> str:
    seen = jar.stat()
    return f"{jar} {seen.st_size} {seen.st_mtime_ns}"
