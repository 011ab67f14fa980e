"""One JSON line a trial, kept for good; and the seeds of those that failed, tried first ever after.

No line is ever taken out or changed: figures of the documents are computed from them.
"""

import json
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from control.stack.versions import pinned
from tests.chaos.plan import FaultKind, Seed
from tests.chaos.trial import Verdict
from tests.integration.stack import ROOT

LEDGER = Path(__file__).parent / "ledger.jsonl"
SEEDS = Path(__file__).parent / "seeds.txt"


def entry(verdict: Verdict) -> dict[str, Any]:
    """Return a trial as the ledger has it."""
    failed, missed, seed = verdict.broken, verdict.missed, verdict.plan.seed
    return {
        "id": uuid4().hex[:12],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed.number,
        "kinds": list(seed.kinds),
        "most": seed.most,
        "profile": seed.profile,
        "commit": _commit(),
        "versions": _versions(),
        "jobs": list(verdict.plan.jobs),
        "faults": [
            {"fault": str(each.fault), "fired": each.fired, "kills": each.kills}
            for each in verdict.strikes
        ],
        "kills": verdict.kills,
        "runs": verdict.runs,
        "attempts": verdict.attempts,
        "invariants": {name: found or "held" for name, found in verdict.violations.items()},
        "duration_s": round(verdict.duration_s, 1),
        "outcome": "violated" if failed else "not fired" if missed else "held",
    }


def keep(line: dict[str, Any], ledger: Path = LEDGER, seeds: Path = SEEDS) -> None:
    """Append a trial; a failed one's seed is tried again in every short run from now on."""
    with ledger.open("a") as file:
        file.write(json.dumps(line) + "\n")
    if line["outcome"] == "violated":
        kinds = tuple(map(FaultKind, line["kinds"]))
        seed = Seed(line["seed"], kinds, line["most"], line.get("profile", "embedded"))
        if seed not in read_seeds(seeds):
            with seeds.open("a") as file:
                file.write(f"{seed}\n")


def read(ledger: Path = LEDGER) -> list[dict[str, Any]]:
    """Return every trial, oldest first."""
    return [json.loads(line) for line in _lines(ledger)]


def read_seeds(seeds: Path = SEEDS) -> list[Seed]:
    """Return the seeds of trials that failed, oldest first."""
    return [Seed.parse(line) for line in _lines(seeds)]


def _lines(file: Path) -> Iterable[str]:
    if not file.exists():
        return []
    lines = file.read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _commit() -> str:
    """Return the commit that was tried, marked when files differ from it."""
    words = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _versions() -> dict[str, str]:
    versions = pinned()
    tools = {name: tool.version for name, tool in versions.go.items()}
    nessie = versions.maven.get("nessie")
    return {
        "python": platform.python_version(),
        **tools,
        **({"nessie": nessie.version} if nessie is not None else {}),
    }
