"""Builds the wheels of a bundle, and tells whether one differs from another."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from spec.bundle_artifacts import Build, Built
from spec.errors import Invalid

_LAST_LINES = 30


def build(folder: Path, builds: tuple[Build, ...]) -> Built:
    """Run all builds; return what each has left.

    Raises:
        Invalid: a build failed, with the end of what it said, or left nothing.
    """
    return {each.name: _run(folder, each) for each in builds}


def _run(folder: Path, one: Build) -> list[str]:
    project = folder / one.folder
    if not project.is_dir():
        raise Invalid(f"the artifact '{one.name}' names the folder '{one.folder}', which is none")
    before = _left(folder, one)
    done = subprocess.run(
        ["/bin/sh", "-c", one.command or _usual()],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-_LAST_LINES:])
        raise Invalid(f"the build of '{one.name}' failed with code {done.returncode}:\n{said}")
    after = _left(folder, one)
    # Wheels of earlier versions may lie there too; those just built are meant.
    fresh = [path for path, changed in after.items() if before.get(path) != changed]
    if not after:
        places = ", ".join(one.patterns)
        raise Invalid(f"the build of '{one.name}' has left no file {places}; mend 'files'")
    return sorted(fresh or after)


def _usual() -> str:
    """Return the command that builds a wheel into `dist` where nothing else is said."""
    if shutil.which("uv"):
        return "uv build --wheel --out-dir dist"
    return f'"{sys.executable}" -m pip wheel --no-deps --wheel-dir dist .'


def _left(folder: Path, one: Build) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for pattern in one.patterns
        for path in folder.glob(pattern)
        if path.is_file()
    }


def content_hash(file: Path) -> str:
    """Return the SHA-256 of a file; of a wheel, of the names and contents of what is in it.

    Building the same sources again gives another file, for a zip archive holds times.
    """
    if file.suffix == ".whl" and zipfile.is_zipfile(file):
        whole = hashlib.sha256()
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                inner = hashlib.sha256(archive.read(name)).hexdigest()
                whole.update(f"{name}\0{inner}\n".encode())
        return whole.hexdigest()
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
