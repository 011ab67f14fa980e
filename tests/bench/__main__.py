"""Measures OpenLake and its peers side by side, and writes docs/benchmarks.json and .md.

Examples:
  python -m tests.bench                                 everything, about 50 minutes on two cores
  python -m tests.bench --quick                         OpenLake and raw Temporal, five minutes
  python -m tests.bench --measures latency,chain        these again; the rest of the page stays
  python -m tests.bench --phases airflow                one peer
  python -m tests.bench --page                          the page anew, nothing is measured
  python -m tests.bench --subjects openlake,temporal --data FOLDER --print
      on a stack that runs already (its ports in OPENLAKE_PORTS__*, as for `openlake`), and no
      file is written
"""

import argparse
import signal
import sys
import time
from pathlib import Path

from control.cli.stack import install_tools, make_layout
from control.config import Settings
from control.stack.parts import parts_of
from tests.bench import plan, report, samples
from tests.bench.catalogue import MEASURES
from tests.bench.phase import measure
from tests.integration.stack import Stack


def words(text: str) -> list[str]:
    """Split what was given with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="only OpenLake and raw Temporal")
    parser.add_argument(
        "--measures", type=words, default=[], help=f"only these: {', '.join(MEASURES)}"
    )
    phases = ", ".join(phase.name for phase in plan.PHASES)
    parser.add_argument("--phases", type=words, default=[], help=f"only these: {phases}")
    parser.add_argument(
        "--subjects", type=words, default=[], help=f"only these: {', '.join(report.SUBJECTS)}"
    )
    parser.add_argument("--times", type=float, default=1.0, help="so many times the samples")
    parser.add_argument("--data", type=Path, help="the data folder of a stack that runs already")
    parser.add_argument("--print", action="store_true", help="print, and write no file")
    parser.add_argument("--page", action="store_true", help="write the page of what was measured")
    return parser.parse_args()


def medians(found: samples.Samples) -> list[str]:
    """Return one line for each value: median and spread, and the ratio to raw Temporal's."""
    values = dict.fromkeys(
        (each.phase, each.measure, each.size, each.subject, name)
        for each in found.samples
        for name in each.values
    )
    rows: list[tuple[str, ...]] = [
        ("measure", "subject", "value", "n", "least", "p25", "median", "p75", "most", "")
    ]
    for phase, what, size, subject, name in values:
        one = found.spread(what, subject, name, size=size, phase=phase)
        floor = found.spread(what, "temporal", name, size=size, phase=phase)
        assert one is not None
        figures = (one.least, one.p25, one.median, one.p75, one.most)
        ratio = f"{one.median / floor.median:.2f} x" if floor and floor.median else ""
        rows.append(
            (f"{what}@{size}", subject, name, str(one.n), *(f"{x:,.1f}" for x in figures), ratio)
        )
    return report.aligned(rows)


def check(asked: argparse.Namespace) -> None:
    """Refuse names that nothing has; exit 2."""
    known = {
        "measures": [*MEASURES, *(word for phase in plan.PHASES for word in phase.measures())],
        "phases": [phase.name for phase in plan.PHASES],
        "subjects": list(report.SUBJECTS),
    }
    for kind, names in known.items():
        for word in getattr(asked, kind):
            if word not in names:
                raise SystemExit(f"there is no {word} among the {kind}: {', '.join(names)}")


def main() -> int:
    """Measure what is asked for, and print what came out; 1 when a cost grows too fast."""
    asked = arguments()
    check(asked)
    kept = samples.read()
    if asked.page:
        report.write(kept)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    running = None
    if asked.data is not None:
        running = Stack(asked.data, "embedded", Settings().ports.model_dump())
    began = time.monotonic()
    found = samples.Samples(samples.machine())

    def keep() -> None:
        if not asked.print:
            kept.replace(found)
            samples.write(kept)
            report.PAGE.write_text(report.page(kept))

    phases = plan.QUICK if asked.quick else plan.PHASES
    chosen = list(plan.chosen(asked.phases, asked.subjects, asked.measures, phases))
    layout = make_layout()
    parts = [part for phase in chosen for part in parts_of(layout, phase.profile)]
    peers = {"airflow", "prefect"} & {phase.name.partition("-")[0] for phase in chosen}
    install_tools(layout, [*dict.fromkeys(tool for part in parts for tool in part.tools), *peers])
    for phase in chosen:
        measure(phase, found, running=running, times=asked.times, keep=keep)
        if not asked.print:
            report.write(kept)
    print("\n".join(["", *medians(found), ""]))
    judged = found if asked.print else kept
    print("\n".join(report.aligned(report.verdicts(judged))))
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(found.samples)} samples in {minutes:.1f} minutes")
    if not asked.print:
        print(f"{samples.FILE} and {report.PAGE} are written")
    broken = report.broken_shapes(judged)
    print("".join(f"{line}\n" for line in broken), end="")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
