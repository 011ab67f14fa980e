"""Java's class-data sharing for Spark's driver: a start takes a third of the work.

A driver loads 25,000 classes before it does anything. Java can map them from an archive that was
made for exactly this runtime and these jars. The first attempt on a machine writes down what it
loads; once it has ended, an idle-priority process makes the archive beside the jars, for all later
attempts. Where that fails, Spark starts as it always did.
"""

import asyncio
import hashlib
import os
from collections.abc import Sequence
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
        """Make the archive unless it is there or being made; takes a minute of idle CPU."""
        draft = self._path.with_suffix(".making")
        if not self._claim(draft, class_list):
            return
        made = draft.with_suffix(f".{os.getpid()}.jsa")
        try:
            code = await self._dump(class_list, made)
            if code == 0:
                made.chmod(0o644)
                made.replace(self._path)
            _log.info("spark.class_archive", path=str(self._path), exit_code=code)
        finally:
            made.unlink(missing_ok=True)
            draft.unlink(missing_ok=True)

    def _claim(self, draft: Path, class_list: Path) -> bool:
        """Whoever creates the draft makes the archive; a draft of a dead maker is an hour old."""
        if self._path.exists() or not class_list.exists():
            return False
        try:
            if draft.exists() and draft.stat().st_mtime < class_list.stat().st_mtime - 3600:
                draft.unlink()
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL))
        except OSError:
            return False
        return True

    async def _dump(self, class_list: Path, made: Path) -> int:
        process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "19", str(self._java), "-Xshare:dump", _COLLECTOR, *_QUIET),
            f"-XX:SharedClassListFile={class_list}",
            f"-XX:SharedArchiveFile={made}",
            *("-cp", self._class_path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath},
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise


def _fingerprint(jar: Path) -> str:
    seen = jar.stat()
    return f"{jar} {seen.st_size} {seen.st_mtime_ns}"
