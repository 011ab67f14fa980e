"""Installs what an attempt's work brings along, before it is submitted."""

import json
from pathlib import Path

from activities.config import WorkerConfig
from activities.files import BlobSource
from activities.folder import AttemptFolder
from activities.libraries import maven, python
from activities.libraries.command import Installer
from spec.attempts import AttemptWork

KEEP_S = 30 * 24 * 3600.0
"""Libraries that no attempt used for a month are removed."""

_NOTE = "libraries.json"


async def install(
    config: WorkerConfig, work: AttemptWork, folder: AttemptFolder, source: BlobSource
) -> None:
    """Install all libraries of an attempt; what other attempts brought is there already.

    Cancelling it kills what it started.

    Raises:
        LibraryInstallationFailed: an installer refused; `trace` has its last lines.
    """
    compute = work.compute
    installer = Installer(folder.mark, folder.log, config.uid, config.installer_environment)
    places: list[str] = []
    if compute.python is not None:
        places.append(str(python.place_of(config, compute.python)))
        await python.install(config, compute.python, source, installer)
    if compute.maven:
        places.append(str(maven.place_of(config, compute.maven)))
        await maven.install(config, compute.maven, installer)
    if places:
        folder.write(_NOTE, json.dumps(places))


def used_by(folder: AttemptFolder) -> list[str]:
    """Return the folders of libraries that an attempt works with."""
    return folder.read_json(_NOTE) or []


def sweep(config: WorkerConfig, in_use: set[str]) -> list[str]:
    """Remove libraries that nobody used for long; return their folders."""
    wanted = {Path(each) for each in in_use}
    shelves = (python.shelf(config), maven.shelf(config))
    return [str(place) for shelf in shelves for place in shelf.sweep(wanted, KEEP_S)]
