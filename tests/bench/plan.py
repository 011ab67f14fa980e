"""What a run of the harness measures: which subjects together, and how many samples of what.

Two cores cannot hold all systems at once without one disturbing the other, so they are measured
in phases: OpenLake together with raw Temporal first, then each peer together with raw Temporal.
Within a phase the subjects take turns, sample by sample, and raw Temporal is the yardstick by which
figures of different phases are compared.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from control.stack.parts import Profile

Counts = Mapping[str, int]
"""Measure → samples, or measure@size → samples."""


@dataclass(frozen=True)
class Phase:
    """Subjects that are up together."""

    name: str
    counts: Mapping[str, Counts]
    """Subject → what it is asked for."""
    profile: Profile = "embedded"
    """Of OpenLake's own stack."""

    def measures(self) -> list[str]:
        """Return everything that any subject is asked for, in order."""
        return list(dict.fromkeys(word for counts in self.counts.values() for word in counts))


YARDSTICK: Counts = {"latency": 10, "chain": 2, "fan_out": 2, "runs": 2}

PHASES = (
    Phase(
        "openlake",
        {
            "openlake": {
                "memory": 1,
                "latency": 40,
                "chain": 4,
                "fan_out": 3,
                "runs": 3,
                "timeline": 3,
                "processor": 3,
                "for_each@1000": 2,
                "chain@10": 3,
                "chain@100": 2,
                "chain@500": 1,
                "fan_out@10": 4,
                "fan_out@100": 3,
                "recovery": 1,
                "statements": 40,
                "history": 1,
                "for_each@10000": 1,
                "pages": 25,
                "pages@1000000": 25,
            },
            "openlake-process": {"latency": 10, "chain@10": 1, "fan_out@10": 2, "fan_out@100": 1},
            "temporal": {
                "memory": 1,
                "latency": 40,
                "chain": 4,
                "fan_out": 3,
                "runs": 3,
                "timeline": 3,
                "processor": 3,
                "for_each@1000": 2,
                "for_each@10000": 1,
                "chain@10": 3,
                "chain@100": 2,
                "chain@500": 1,
                "fan_out@10": 4,
                "fan_out@100": 3,
                "recovery": 1,
            },
            "temporal-as-it-comes": {"latency": 10, "chain": 1, "fan_out": 1, "runs": 1},
        },
    ),
    Phase(
        "airflow",
        {
            "airflow": {
                "memory": 1,
                "latency": 8,
                "chain": 1,
                "fan_out": 1,
                "runs": 1,
            },
            "temporal": YARDSTICK,
        },
    ),
    Phase(
        "airflow-as-it-comes",
        {
            "airflow-as-it-comes": {"latency": 6, "chain": 1, "runs": 1},
            "temporal": YARDSTICK,
        },
    ),
    Phase(
        "prefect",
        {
            "prefect-serve": {"memory": 1, "latency": 6, "chain": 1, "fan_out": 1, "runs": 1},
            "prefect-worker": {"latency": 3},
            "temporal": YARDSTICK,
        },
    ),
    Phase("trino", {"openlake": {"statements_trino": 40}}, "full"),
)

QUICK = (
    Phase(
        "openlake",
        {
            "openlake": {"latency": 20, "chain": 3, "fan_out": 2, "runs": 2, "for_each@1000": 1},
            "openlake-process": {"latency": 5},
            "temporal": {"latency": 20, "chain": 3, "fan_out": 2, "runs": 2, "for_each@1000": 1},
        },
    ),
)


def turns(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield subjects so that each gets its number of turns, spread over all rounds.

    Args:
        counts: Subject → turns.
    """
    rounds = max(counts.values(), default=0)
    for i in range(rounds):
        for subject, count in counts.items():
            if (i + 1) * count // rounds > i * count // rounds:
                yield subject


def chosen(
    phases: list[str], subjects: list[str], measures: list[str], plan: tuple[Phase, ...] = PHASES
) -> Iterator[Phase]:
    """Yield the phases with what is asked for; an empty list chooses everything.

    A measure is chosen with all its sizes (`chain`) or with one (`chain@10`).
    """
    for phase in plan:
        if phases and phase.name not in phases:
            continue
        counts = {
            subject: {
                word: count
                for word, count in each.items()
                if not measures or word in measures or word.partition("@")[0] in measures
            }
            for subject, each in phase.counts.items()
            if not subjects or subject in subjects
        }
        left = {subject: each for subject, each in counts.items() if each}
        if left and (subjects or set(left) - {"temporal"}):
            yield replace(phase, counts=left)
