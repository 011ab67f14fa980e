"""Writes docs/reliability.md: `template.md`, promises, and figures computed from the ledger.

`python -m tests.chaos.page` renews the page (`make gen`); a test fails when that is out of date.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos import ledger
from tests.chaos.invariants import INVARIANTS
from tests.chaos.promises import PROMISES, Promise

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
TESTS = Path(__file__).parents[1]
_TEMPLATE = Path(__file__).with_name("template.md")

Trial = Mapping[str, Any]


def page(trials: Sequence[Trial]) -> str:
    """Return the page's text for a ledger."""
    return _TEMPLATE.read_text("utf-8").format(
        promises="\n".join(_promise(each) for each in PROMISES),
        sums=_sums(trials),
        faults=_faults(trials),
        invariants=_invariants(trials),
        failed=_failed(trials),
    )


def _promise(promise: Promise) -> str:
    tests = ", ".join(f"[`{_function(test)}`]({_link(test)})" for test in promise.tests)
    rules = ", ".join(f"`{name}`" for name in promise.invariants)
    return f"| {promise.text} | {promise.fault} | {tests or '–'} | {rules or '–'} |"


def _function(test: str) -> str:
    return test.partition("::")[2]


def _link(test: str) -> str:
    return f"../tests/{test.partition('::')[0]}"


def _sums(trials: Sequence[Trial]) -> str:
    held = [each for each in trials if each["outcome"] == "held"]
    rows = (
        ("trials", len(trials)),
        ("of them every invariant held and every fault fired", len(held)),
        ("of them an invariant was violated", _count(trials, "violated")),
        ("of them a fault did not fire, and all invariants held", _count(trials, "not fired")),
        ("processes killed", sum(each["kills"] for each in trials)),
        ("processes killed since the last violation", _kills_since_violation(trials)),
        ("runs", sum(each["runs"] for each in trials)),
        ("attempts", sum(each["attempts"] for each in trials)),
        ("hours", f"{sum(each['duration_s'] for each in trials) / 3600:.1f}"),
    )
    return "\n".join(f"| {name} | {_figure(value)} |" for name, value in rows)


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _count(trials: Iterable[Trial], outcome: str) -> int:
    return sum(each["outcome"] == outcome for each in trials)


def _kills_since_violation(trials: Sequence[Trial]) -> int:
    last = max((n for n, each in enumerate(trials) if each["outcome"] == "violated"), default=-1)
    return sum(each["kills"] for each in trials[last + 1 :])


def _faults(trials: Sequence[Trial]) -> str:
    made, fired = Counter[str](), Counter[str]()
    for trial in trials:
        for each in trial["faults"]:
            name = _family(each["fault"])
            made[name] += 1
            fired[name] += each["fired"]
    rows = (f"| {name} | {count:,} | {fired[name]:,} |" for name, count in sorted(made.items()))
    return "\n".join(rows)


def _family(fault: str) -> str:
    """Return a fault without its figures: `stop api 4 s` → `stop api`."""
    kind, *rest = fault.split()
    if kind == "point":
        return f"{kind} {rest[0].partition('@')[0]}"
    return " ".join((kind, *rest[: -2 if rest and rest[-1] == "s" else None]))


def _invariants(trials: Sequence[Trial]) -> str:
    rows: list[str] = []
    for name, rule in INVARIANTS.items():
        judged = [each["invariants"][name] for each in trials if name in each["invariants"]]
        broken = sum(said != "held" for said in judged)
        first = (rule.__doc__ or "").splitlines()[0].rstrip(".")
        rows.append(f"| `{name}` | {first} | {len(judged):,} | {broken:,} |")
    return "\n".join(rows)


def _failed(trials: Sequence[Trial]) -> str:
    rows: list[str] = []
    for each in trials:
        if each["outcome"] != "violated":
            continue
        broken = ", ".join(
            f"`{name}`" for name, said in each["invariants"].items() if said != "held"
        )
        rows.append(f"| `{each['id']}` | {each['seed']} | `{each['commit']}` | {broken} |")
    return "\n".join(rows) if rows else "| – | – | – | none so far |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(ledger.read()), "utf-8")


if __name__ == "__main__":
    main()
