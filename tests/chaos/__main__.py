"""The command: `python -m tests.chaos --help`."""

import argparse
import secrets
import signal
import sys
import time
from itertools import chain

from tests.chaos import ledger
from tests.chaos.campaign import own_ground, possible, run_campaign, seeds_from
from tests.chaos.plan import MOST, FaultKind, Seed

_EXAMPLES = """examples:
  python -m tests.chaos --minutes 10
  python -m tests.chaos --minutes 60 --faults kill,point,held
  python -m tests.chaos --minutes 30 --profile full        Spark and Trino work, and Trino dies
  python -m tests.chaos --only 1234567 --faults kill,stop      one trial again
"""


def main(words: list[str] | None = None) -> int:
    """Do a campaign; 0 when no invariant was violated."""
    asked = _parser().parse_args(words)
    # Whoever ends it, however politely: nothing it has started stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = [FaultKind(word) for word in asked.faults.split(",")]
    first = secrets.randbelow(1 << 32) if asked.seed is None else asked.seed
    began = time.monotonic()
    with own_ground(asked.profile, _say) as ground:
        kinds, skipped = possible(wanted, ground.disk, asked.profile)
        for reason in skipped:
            _say(f"  skipped · {reason}")
        if asked.only is not None:
            seeds = iter([Seed(asked.only, tuple(kinds), asked.most, asked.profile)])
        else:
            _say(f"  campaign seed {first}")
            again = [
                seed
                for seed in ledger.read_seeds()[::-1]
                if seed.profile == asked.profile and set(seed.kinds) <= set(kinds)
            ]
            if asked.seed is None and again:
                _say(f"  first {len(again)} that once failed")
            seeds = chain(
                again if asked.seed is None else [],
                seeds_from(first, kinds, asked.most, asked.profile),
            )
        until = began + 60 * asked.minutes
        tally = run_campaign(ground, seeds, _say, until=until, keep=not asked.dry)
    _say(f"\n{tally}")
    for line in tally.lines:
        _say(f"  {line}")
    return 1 if tally.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every = ",".join(kind.value for kind in FaultKind)
    parser.add_argument("--minutes", type=float, default=10, help="no trial begins later (10)")
    parser.add_argument("--seed", type=int, help="of the campaign; drawn and printed when unset")
    parser.add_argument("--only", type=int, metavar="SEED", help="do this one trial")
    parser.add_argument("--faults", default=every, help=f"kinds, with commas ({every})")
    parser.add_argument("--most", type=int, default=MOST, help=f"faults of one trial ({MOST})")
    profiles = ("embedded", "full")
    parser.add_argument("--profile", choices=profiles, default="embedded", help="of the stack")
    parser.add_argument(
        "--dry", action="store_true", help=f"keep nothing in {ledger.LEDGER.name} and seeds.txt"
    )
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
