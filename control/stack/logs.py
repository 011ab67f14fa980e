"""The parts' logs: one file each, never more than two of a bounded size."""

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path

_LIMIT_BYTES = 16 * 1024 * 1024
_LOOK_EVERY_S = 60.0


def rotate(log: Path) -> None:
    """Keep one older log beside the current one; safe while its writer goes on appending."""
    try:
        if log.stat().st_size > _LIMIT_BYTES:
            shutil.copyfile(log, log.with_suffix(".1.log"))
            os.truncate(log, 0)
    except FileNotFoundError:
        return


def tail(log: Path, lines: int) -> list[str]:
    """Return a log's last lines."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 200 * lines - 4096))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


async def keep_logs_small(folder: Path) -> None:
    """Rotate a folder's logs whenever they have grown, for ever; the control worker does so."""
    while True:
        # A full disk or a vanished folder is for `doctor` to tell; it ends no worker.
        with suppress(OSError):
            await asyncio.to_thread(_rotate_all, folder)
        await asyncio.sleep(_LOOK_EVERY_S)


def _rotate_all(folder: Path) -> None:
    for log in folder.glob("*.log"):
        if not log.name.endswith(".1.log"):
            rotate(log)
