"""Looks after attempt folders that nobody follows: stops what is over, removes what is old."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Protocol

import structlog

from activities.config import WorkerConfig
from activities.folder import AttemptFolder, State
from activities.libraries import install as libraries
from spec.attempts import AttemptRef, AttemptWork
from spec.errors import AttemptOver, OpenLakeError

EVERY_S = 60.0
KEEP_S = 7 * 24 * 3600.0
"""An ended attempt's folder is kept a week, for people who want to look into it."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Opener(Protocol):
    """Where attempts are opened."""

    async def open(self, ref: AttemptRef, host: str) -> AttemptWork:
        """Open the attempt again; raises `AttemptOver` when it has ended."""
        ...


async def sweep_forever(config: WorkerConfig, control: Opener) -> None:
    """Sweep now and every minute, until cancelled."""
    while True:
        await sweep(config, control)
        await asyncio.sleep(EVERY_S)


async def sweep(config: WorkerConfig, control: Opener) -> None:
    """Stop every process whose attempt is over, and remove what is old: folders and libraries.

    A process is left behind when its workflow was terminated, or when its attempt was declared
    lost while this machine slept. Its commits are refused; this gives its memory back.
    """
    in_use: set[str] = set()
    for folder in _folders(config.folder):
        try:
            state = folder.state(config.lease_s)
            if state is State.RUNNING:
                in_use.update(libraries.used_by(folder))
                await _stop_if_over(folder, config.host, control)
            elif _age_s(folder) > KEEP_S:
                await asyncio.to_thread(shutil.rmtree, folder.path, ignore_errors=True)
        except (OpenLakeError, OSError) as error:
            _log.warning("sweep.skipped", key=folder.key, error=str(error))
    for place in await asyncio.to_thread(libraries.sweep, config, in_use):
        _log.info("sweep.libraries_removed", path=place)


async def _stop_if_over(folder: AttemptFolder, host: str, control: Opener) -> None:
    ref = folder.read_json("ref.json")
    if ref is None:
        return
    try:
        await control.open(AttemptRef.model_validate(ref), host)
    except AttemptOver:
        _log.info("sweep.stopped", key=folder.key)
        folder.ask_to_end()


def _folders(root: Path) -> list[AttemptFolder]:
    if not root.is_dir():
        return []
    names = [each for each in root.iterdir() if each.is_dir() and not each.name.startswith(".")]
    return [AttemptFolder(each, each.name) for each in names]


def _age_s(folder: AttemptFolder) -> float:
    """Return how long ago anything last happened in the folder."""
    return time.time() - max(each.stat().st_mtime for each in (folder.path, folder.out))
