"""Each invariant notices what it is there for: evidence of a good trial is spoilt in one place."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.evidence import AttemptSeen, Evidence, Left, RunSeen
from tests.chaos.invariants import INVARIANTS, judge
from tests.chaos.plan import Fault, FaultKind, Plan, Seed
from tests.chaos.witness import Seen
from tests.chaos.workload import ATTEMPTS, LINES, PUBLISHED

AT = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = Plan(
    seed=Seed(1, ()), jobs=("chain", "publish", "tick"), statements=1, faults=(), pauses_s=()
)
CHAIN, PUBLISH, TICK = 1 << 20, 2 << 20, 3 << 20
LOG = "".join(f"line {number} of {LINES}\n" for number in range(1, LINES + 1))


def told(*events: tuple[int, int, str]) -> list[Seen]:
    return [Seen(n, AT, run, task, "task", word) for n, (run, task, word) in enumerate(events, 1)]


def attempt(run_id: int, number: int = 1, key: str = "c1", **fields: object) -> AttemptSeen:
    made = AttemptSeen(run_id + number, run_id, key, number - 1, "SUCCESS", is_program=True)
    return replace(made, **fields)  # type: ignore[arg-type]


GOOD = Evidence(
    asked={"a": CHAIN, "b": PUBLISH},
    asked_again={"a": CHAIN, "b": PUBLISH},
    runs=[
        RunSeen(CHAIN, "chain", "ENDED", "SUCCESS"),
        RunSeen(PUBLISH, "publish", "ENDED", "SUCCESS"),
        RunSeen(TICK, "tick", "ENDED", "SUCCESS", AT),
    ],
    attempts=[attempt(CHAIN), attempt(PUBLISH, key="left"), attempt(TICK, key="tick")],
    seen=told(
        *((run, run + 1, word) for run in (CHAIN, PUBLISH, TICK) for word in ("begin", "end"))
    ),
    logs={run + 1: LOG for run in (CHAIN, PUBLISH, TICK)},
    rows={table: Counter({PUBLISH: 1}) for table in PUBLISHED},
    statements={"s": ""},
    temporal=dict.fromkeys((CHAIN, PUBLISH, TICK), "COMPLETED"),
    event_gaps=[],
    replay_errors=[],
    audited=frozenset({CHAIN, PUBLISH, TICK}),
    odd_deaths=[],
)
TWICE = attempt(CHAIN, 2)
FAILED = attempt(CHAIN, result="FAILED")
OTHER = 4 << 20

SPOILT: dict[str, tuple[str, Evidence]] = {
    "a run that never ends": (
        "every_run_ends",
        replace(GOOD, runs=[*GOOD.runs[1:], RunSeen(CHAIN, "chain", "RUNNING", "")]),
    ),
    "a run that fails though nothing hit it": (
        "every_run_ends",
        replace(GOOD, runs=[*GOOD.runs[1:], RunSeen(CHAIN, "chain", "ENDED", "FAILED")]),
    ),
    "a run that is cancelled though nobody asked": (
        "every_run_ends",
        replace(GOOD, runs=[*GOOD.runs[1:], RunSeen(CHAIN, "chain", "ENDED", "CANCELED")]),
    ),
    "code that goes on behind the end": (
        "what_has_ended_does_nothing_more",
        replace(
            GOOD,
            runs=[
                *GOOD.runs[1:],
                RunSeen(CHAIN, "chain", "ENDED", "SUCCESS", ended_at=AT - timedelta(seconds=1)),
            ],
        ),
    ),
    "a promised run that is not there": (
        "no_run_is_lost_or_doubled",
        replace(GOOD, asked={**GOOD.asked, "c": 9}, asked_again={**GOOD.asked, "c": 9}),
    ),
    "a token that gives another run": (
        "no_run_is_lost_or_doubled",
        replace(GOOD, asked_again={"a": 9, "b": PUBLISH}),
    ),
    "a run that nobody asked for": (
        "no_run_is_lost_or_doubled",
        replace(GOOD, runs=[*GOOD.runs, RunSeen(OTHER, "chain", "ENDED", "SUCCESS")]),
    ),
    "a schedule that fires twice": (
        "no_run_is_lost_or_doubled",
        replace(GOOD, runs=[*GOOD.runs, RunSeen(OTHER, "tick", "ENDED", "SUCCESS", AT)]),
    ),
    "a schedule that never fires": ("no_run_is_lost_or_doubled", replace(GOOD, runs=GOOD.runs[:2])),
    "code that begins twice": (
        "each_attempt_runs_once",
        replace(GOOD, seen=[*GOOD.seen, *told((CHAIN, CHAIN + 1, "begin"))]),
    ),
    "a success whose code never ended": (
        "each_attempt_runs_once",
        replace(GOOD, seen=[each for each in GOOD.seen if each.task_run_id != CHAIN + 1]),
    ),
    "code of no attempt": (
        "each_attempt_runs_once",
        replace(GOOD, seen=[*GOOD.seen, *told((CHAIN, CHAIN + 7, "begin"))]),
    ),
    "an attempt behind a success": (
        "what_finished_never_runs_again",
        replace(GOOD, attempts=[*GOOD.attempts, TWICE]),
    ),
    "a lost attempt that goes on": (
        "what_finished_never_runs_again",
        replace(
            GOOD,
            attempts=[FAILED, TWICE],
            seen=told(
                (CHAIN, CHAIN + 1, "begin"), (CHAIN, CHAIN + 2, "begin"), (CHAIN, CHAIN + 1, "end")
            ),
        ),
    ),
    "a retry that no fault is to blame for": (
        "attempts_are_owed_to_faults",
        replace(GOOD, attempts=[FAILED, TWICE]),
    ),
    "two runs at once where one is allowed": (
        "limits_are_kept",
        replace(
            GOOD,
            runs=[*GOOD.runs, RunSeen(OTHER, "publish", "ENDED", "SUCCESS")],
            seen=told(
                (PUBLISH, PUBLISH + 1, "begin"),
                (OTHER, OTHER + 1, "begin"),
                (PUBLISH, PUBLISH + 1, "end"),
            ),
        ),
    ),
    "a table that misses its row": (
        "published_is_all_or_none",
        replace(GOOD, rows={**GOOD.rows, PUBLISHED[1]: Counter()}),
    ),
    "a row that is there twice": (
        "published_is_all_or_none",
        replace(GOOD, rows={table: Counter({PUBLISH: 2}) for table in PUBLISHED}),
    ),
    "a failed run that has published": (
        "published_is_all_or_none",
        replace(GOOD, runs=[*GOOD.runs[:1], RunSeen(PUBLISH, "publish", "ENDED", "FAILED")]),
    ),
    "a workflow that goes on behind an ended run": (
        "postgres_agrees_with_temporal",
        replace(GOOD, temporal={**GOOD.temporal, CHAIN: "RUNNING"}),
    ),
    "events with a gap": ("postgres_agrees_with_temporal", replace(GOOD, event_gaps=["gap"])),
    "a wrong answer": ("statements_end", replace(GOOD, statements={"s": "the rows []"})),
    "a read that is not answered": (
        "statements_are_answered",
        replace(GOOD, statements={"s": "IO_ERROR"}),
    ),
    "a statement that never ends": (
        "statements_end",
        replace(GOOD, statements={"s": "RUNNING"}),
    ),
    "a log without its end": ("logs_have_no_gap", replace(GOOD, logs={CHAIN + 1: LOG[:-5]})),
    "a log with a line twice": (
        "logs_have_no_gap",
        replace(GOOD, logs={CHAIN + 1: "line 1 of 20\n" + LOG}),
    ),
    "a branch": ("nothing_is_left", replace(GOOD, left=Left(branches=["run_1"]))),
    "a history that does not replay": ("histories_replay", replace(GOOD, replay_errors=["no"])),
    "a run without an audit row": ("deeds_are_audited", replace(GOOD, audited=frozenset())),
    "a worker that gives up": ("nobody_ends_by_itself", replace(GOOD, odd_deaths=["api"])),
}


def test_a_good_trial_violates_nothing() -> None:
    assert not any(judge(PLAN, GOOD).values())


@pytest.mark.parametrize("what", SPOILT)
def test_an_invariant_notices(what: str) -> None:
    name, evidence = SPOILT[what]
    assert judge(PLAN, evidence)[name]


def test_every_invariant_is_tried() -> None:
    assert {name for name, _ in SPOILT.values()} == set(INVARIANTS)


def test_an_attempt_that_was_hit_may_be_made_anew() -> None:
    hit = replace(PLAN, faults=(Fault(FaultKind.KILL_TASK),))
    seen = told((CHAIN, CHAIN + 1, "begin"), (CHAIN, CHAIN + 2, "begin"), (CHAIN, CHAIN + 2, "end"))
    again = replace(
        GOOD,
        attempts=[FAILED, TWICE, *GOOD.attempts[1:]],
        seen=[*seen, *GOOD.seen[2:]],
        logs={CHAIN + 1: "line 1 of 20\n", CHAIN + 2: LOG},
    )
    assert not any(judge(hit, again).values())


def test_a_run_that_needs_the_catalog_may_fail_once_its_attempts_are_used_up() -> None:
    worn = [attempt(PUBLISH, n + 1, "left", result="FAILED") for n in range(ATTEMPTS)]
    failed = replace(
        GOOD,
        runs=[GOOD.runs[0], RunSeen(PUBLISH, "publish", "ENDED", "FAILED"), GOOD.runs[2]],
        attempts=[GOOD.attempts[0], *worn, GOOD.attempts[2]],
        seen=[each for each in GOOD.seen if each.run_id != PUBLISH],
        logs={},
        rows={table: Counter[int]() for table in PUBLISHED},
    )
    assert not any(judge(PLAN, failed).values())
    early = replace(failed, attempts=failed.attempts[:2])
    assert judge(PLAN, early)["every_run_ends"]


def test_a_run_that_was_cancelled_may_end_so() -> None:
    runs = [*GOOD.runs[1:], RunSeen(CHAIN, "chain", "ENDED", "CANCELED")]
    seen = replace(GOOD, runs=runs, cancelled=frozenset({CHAIN}))
    assert not any(judge(PLAN, seen).values())
