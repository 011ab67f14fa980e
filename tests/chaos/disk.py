"""A disk of its own for the data folder, so that it can be full without harm to the machine."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SIZE_MIB = 4096
_LAST_BYTES = 64 * 1024
_CHUNK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Disk:
    """A mounted file system."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> int:
        """Take all the room that is left; return how many bytes that was."""
        taken, chunk = 0, _CHUNK_BYTES
        descriptor = os.open(self._filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while chunk >= _LAST_BYTES:
                try:
                    os.posix_fallocate(descriptor, taken, chunk)
                    taken += chunk
                except OSError:
                    chunk //= 2
        finally:
            os.close(descriptor)
        return taken

    def is_full(self) -> bool:
        """Tell whether nobody can write anything of note."""
        return shutil.disk_usage(self.folder).free < 2 * _LAST_BYTES

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take it away, with all that is on it."""
        subprocess.run(["umount", "--lazy", self.folder], check=False, capture_output=True)
        self.folder.with_suffix(".image").unlink(missing_ok=True)


def mount(folder: Path) -> Disk | None:
    """Mount a disk there: a file as a loop device, or memory; None when neither is permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(SIZE_MIB * 1024 * 1024)
    # No blocks are kept for root: full is full for everybody.
    made = _done("mkfs.ext4", "-q", "-m", "0", str(image))
    if made and _done("mount", "-o", "loop", str(image), str(folder)):
        folder.chmod(0o755)
        return Disk(folder)
    image.unlink()
    if _done("mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=755", "none", str(folder)):
        return Disk(folder)
    return None


def _done(*words: str) -> bool:
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
