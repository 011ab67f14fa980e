"""Reads what user code wrote of itself."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Step:
    """One step of one run, as its own code saw it; in nanoseconds since 1970."""

    begins: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])


class Ledger:
    """The file in which the user code of one subject writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        # The user code of some subjects is run by another user than this.
        path.chmod(0o666)
        self._read_bytes = path.stat().st_size

    def turn(self) -> None:
        """Forget what was written until now."""
        self._read_bytes = self.path.stat().st_size

    def steps(self) -> dict[tuple[str, str], Step]:
        """Return what was written since the last turn, by run and step."""
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            text = file.read().decode()
        found: dict[tuple[str, str], Step] = {}
        for line in text.splitlines():
            what, run, key, at_ns = line.split("\t")
            one = found.setdefault((run, key), Step())
            (one.begins if what == "begin" else one.ends).append(int(at_ns))
        return found
