"""What was measured, as `docs/benchmarks.json` keeps it; a later run replaces what it measures."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.bench.spread import Spread, spread

FILE = Path(__file__).parents[2] / "docs" / "benchmarks.json"


@dataclass(frozen=True)
class Sample:
    """One sample of one measure."""

    phase: str
    """Which subjects were up together, and took turns."""
    measure: str
    size: int
    subject: str
    values: Mapping[str, float]
    taken_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    commit: str = ""


@dataclass
class Samples:
    """All that is known, and on what it was measured."""

    machine: dict[str, Any] = field(default_factory=dict[str, Any])
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Subject → part → version."""
    samples: list[Sample] = field(default_factory=list[Sample])

    def values(
        self, measure: str, subject: str, name: str, *, size: int | None = None, phase: str = ""
    ) -> list[float]:
        """Return one value of all samples of a subject, in the order they were taken."""
        return [
            each.values[name]
            for each in self.samples
            if (each.measure, each.subject) == (measure, subject)
            and name in each.values
            and size in (None, each.size)
            and phase in ("", each.phase)
        ]

    def spread(
        self, measure: str, subject: str, name: str, *, size: int | None = None, phase: str = ""
    ) -> Spread | None:
        """Sum up the samples of a subject; None when there are none."""
        values = self.values(measure, subject, name, size=size, phase=phase)
        return spread(values) if values else None

    def replace(self, newer: "Samples") -> None:
        """Take over what was measured anew: every measure of a phase as a whole."""
        again = {(each.phase, each.measure) for each in newer.samples}
        kept = [each for each in self.samples if (each.phase, each.measure) not in again]
        self.samples = kept + newer.samples
        self.versions |= newer.versions
        self.machine = newer.machine or self.machine


def read(file: Path = FILE) -> Samples:
    """Return what a file holds; nothing when there is none."""
    if not file.exists():
        return Samples()
    content = json.loads(file.read_text())
    samples = [Sample(**each) for each in content["samples"]]
    return Samples(content["machine"], content["versions"], samples)


def write(samples: Samples, file: Path = FILE) -> None:
    """Write a file whose lines are the samples, so that a change of one is a change of a line."""
    head = json.dumps({"machine": samples.machine, "versions": samples.versions}, indent=1)
    lines = ",\n".join(f"  {json.dumps(asdict(each))}" for each in samples.samples)
    draft = file.with_suffix(".draft")
    draft.write_text(f'{head[:-2]},\n "samples": [\n{lines}\n ]\n}}\n')
    draft.replace(file)


def machine() -> dict[str, Any]:
    """Return what this is measured on, without naming it."""
    return {
        "cpus": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """Return the commit that is measured, short; with a + when files differ from it."""
    root = FILE.parents[1]
    argv = ("git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*")
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip()
