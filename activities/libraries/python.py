"""Python environments: the worker's own packages, and a task's own on top of them, built with uv.

An environment lives in a folder named by its content: the requirement lines, the wheels' hashes,
the indexes and the interpreter. What its lines leave open (`pandas`, without a version) is decided
when it is first built on this machine.
"""

import asyncio
import json
import os
from pathlib import Path

from activities.config import WorkerConfig
from activities.files import BlobSource, materialise
from activities.libraries.command import Installer
from activities.libraries.shelf import Shelf
from spec.attempts import PythonLibraries
from spec.errors import LibraryInstallationFailed

FOLDER = ".environments"

_WHERE = "import json, site; print(json.dumps(site.getsitepackages()))"

_FALL_BACK = """
import site, sys
with open(site.getsitepackages()[0] + "/openlake_base.pth", "w") as file:
    for folder in sys.argv[1:]:
        file.write(f"import site; site.addsitedir({folder!r})\\n")
"""
"""Appends the worker's packages to the environment's path: there, but behind its own."""


def shelf(config: WorkerConfig) -> Shelf:
    """Return where a worker's environments are."""
    return Shelf(config.folder / FOLDER)


def place_of(config: WorkerConfig, libraries: PythonLibraries) -> Path:
    """Return the folder of an environment, built or not."""
    content = libraries.model_dump(mode="json") | {
        "python": str(config.python),
        "real": os.path.realpath(config.python),
        "uv": {k: v for k, v in config.installer_environment.items() if k.startswith("UV_")},
    }
    return shelf(config).place(content)


def interpreter(config: WorkerConfig, libraries: PythonLibraries | None) -> Path:
    """Return the Python that runs a task with these libraries."""
    if libraries is None:
        return config.python
    return place_of(config, libraries) / "venv" / "bin" / "python"


async def install(
    config: WorkerConfig, libraries: PythonLibraries, source: BlobSource, installer: Installer
) -> None:
    """Build the environment unless it is there.

    Raises:
        LibraryInstallationFailed: uv refused; says its last lines.
    """

    async def build(place: Path, lock: int) -> None:
        await _build(config, libraries, source, installer, place, lock)

    await shelf(config).make(place_of(config, libraries), build)


async def _build(
    config: WorkerConfig,
    libraries: PythonLibraries,
    source: BlobSource,
    installer: Installer,
    place: Path,
    lock: int,
) -> None:
    uv, venv = _uv(config), place / "venv"
    installer.say(f"Installing {', '.join(libraries.requirements)}")
    await materialise(libraries.files, place, config.folder / ".blobs", source)
    (place / "requirements.txt").write_text("\n".join(libraries.requirements) + "\n")
    if installer.uid is not None:
        await asyncio.to_thread(_hand_over, place, installer.uid)
    new = (uv, "venv", "--quiet", "--no-project", "--python", config.python, venv)
    await installer.run("Making the Python environment", new, cwd=place, lock=lock)
    add = (uv, "pip", "install", "--no-progress", "--link-mode", "copy")
    command = (*add, "--python", venv / "bin" / "python", "-r", place / "requirements.txt")
    await installer.run("Installing the task's Python libraries", command, cwd=place, lock=lock)
    base = await _site_packages(config.python)
    note = (venv / "bin" / "python", "-I", "-c", _FALL_BACK, *base)
    await installer.run("Adding the worker's own packages", note, cwd=place, lock=lock)
    if installer.uid is not None:
        # Tasks read it from now on; none of them may change what the others import.
        await asyncio.to_thread(_hand_over, place, os.geteuid())


def _uv(config: WorkerConfig) -> Path:
    if config.uv is None:
        raise LibraryInstallationFailed(
            "This worker has no uv, which installs Python libraries; `openlake up` brings it"
        )
    return config.uv


async def _site_packages(python: Path) -> list[str]:
    asking = await asyncio.create_subprocess_exec(
        *(str(python), "-I", "-c", _WHERE), stdout=asyncio.subprocess.PIPE, env={}
    )
    answer, _ = await asking.communicate()
    return json.loads(answer)


def _hand_over(place: Path, uid: int) -> None:
    """Give the folder and all in it to a user; by descriptors, for that user may move things."""
    os.chown(place, uid, uid)
    for _, folders, files, here in os.fwalk(place):
        for entry in folders + files:
            os.chown(entry, uid, uid, dir_fd=here, follow_symlinks=False)
