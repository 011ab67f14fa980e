"""Folders that are made once and named by what is in them; several workers of a host may share it.

Whoever makes a folder holds its lock, and so does each process that helps; a folder counts only
when it says that it is ready, so what a death left half-made is made anew.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

_READY = ".ready"
"""Ends the name of the note beside a folder; inside, what was installed could have put it."""

_LOOK_AGAIN_S = 0.2


class Shelf:
    """The folders of one kind.

    Args:
        root: Where they are; need not exist yet. Others may pass through it.
    """

    def __init__(self, root: Path) -> None:
        """See class."""
        self._root = root

    def place(self, content: Any) -> Path:
        """Return where the folder of this content is, made or not.

        Args:
            content: Plain data that says all that matters of it.
        """
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return self._root / hashlib.sha256(text.encode()).hexdigest()[:32]

    async def make(self, place: Path, build: Callable[[Path, int], Awaitable[None]]) -> bool:
        """Make the folder unless it is ready; wait while somebody else makes it.

        Args:
            place: See `place`.
            build: Fills the empty folder. Gets the lock's descriptor too, for its processes to
                inherit: while one of them lives, nobody else begins.

        Returns:
            Whether it was made now.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        self._root.chmod(0o711)
        while True:
            if self._use(place):
                return False
            lock = _lock(place)
            if lock is None:
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            try:
                return not self._use(place) and await _fill(place, build, lock)
            finally:
                os.close(lock)

    def _use(self, place: Path) -> bool:
        """Tell whether the folder is ready, and note that it is still wanted."""
        try:
            os.utime(_ready(place))
        except FileNotFoundError:
            return False
        return True

    def sweep(self, in_use: Collection[Path], keep_s: float) -> list[Path]:
        """Remove what nobody used for so long; return what was removed."""
        removed: list[Path] = []
        for ready in self._root.glob(f"*{_READY}"):
            place = ready.with_suffix("")
            if place in in_use or time.time() - ready.stat().st_mtime < keep_s:
                continue
            lock = _lock(place)
            if lock is None:
                continue
            try:
                # Not ready first: nobody must take up what is being removed.
                ready.unlink(missing_ok=True)
                shutil.rmtree(place, ignore_errors=True)
                removed.append(place)
            finally:
                os.close(lock)
        return removed


async def _fill(place: Path, build: Callable[[Path, int], Awaitable[None]], lock: int) -> bool:
    await asyncio.to_thread(_empty, place)
    try:
        await build(place, lock)
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(place)
        raise
    _ready(place).touch()
    return True


def _empty(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    place.chmod(0o755)  # Whatever the umask: the user that runs tasks reads it.


def _ready(place: Path) -> Path:
    return place.with_name(place.name + _READY)


def _lock(place: Path) -> int | None:
    lock = os.open(f"{place}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
