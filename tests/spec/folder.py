"""Bundle folders for tests: on disk and in memory."""

from fnmatch import fnmatchcase
from pathlib import Path


class DiskFolder:
    """A folder on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> str | None:
        file = self.root / path
        return file.read_text() if file.is_file() else None

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    def glob(self, pattern: str) -> list[str]:
        found = (p for p in self.root.glob(pattern) if p.is_file())
        return sorted(p.relative_to(self.root).as_posix() for p in found)


class MemoryFolder:
    """Files by path; a text that is not given is empty."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def exists(self, path: str) -> bool:
        return path in self.files

    def glob(self, pattern: str) -> list[str]:
        if pattern == "**/*":
            return sorted(self.files)
        depth = pattern.count("/")
        return sorted(p for p in self.files if fnmatchcase(p, pattern) and p.count("/") == depth)
