"""What has to hold of every trial, whatever its faults were; pure functions of what was seen.

Each returns the violations as sentences, none when all is well. They are never weakened to get a
trial through: a violation is a bug of OpenLake, or of the harness.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from spec.states import RunLife
from tests.chaos.evidence import AttemptSeen, Evidence
from tests.chaos.plan import Plan
from tests.chaos.witness import Seen
from tests.chaos.workload import ATTEMPTS, KINDS, LINES, PUBLISHED

_SUCCESS, _CANCELED = "SUCCESS", "CANCELED"
_AWAY = frozenset({"IO_ERROR", "TEMPORARILY_UNAVAILABLE"})
"""Error codes of a statement that say: the catalog, the store or the warehouse was not there."""


def every_run_ends(plan: Plan, seen: Evidence) -> Iterator[str]:
    """Every run has one terminal state; it is SUCCESS unless a task used up its attempts.

    Or CANCELED, if that was asked for before it had succeeded.
    """
    worn_out = _worn_out(seen)
    for run in seen.runs:
        if not RunLife(run.life).is_over:
            yield f"run {run.run_id} ({run.kind}) has not ended: {run.life}"
        elif run.result == _CANCELED and run.run_id in seen.cancelled:
            continue
        elif run.result != _SUCCESS:
            may_fail = plan.starves or not KINDS[run.kind].is_pure
            if not (may_fail and run.run_id in worn_out):
                yield f"run {run.run_id} ({run.kind}) ended as {run.result}: {run.message}"


def no_run_is_lost_or_doubled(plan: Plan, seen: Evidence) -> Iterator[str]:
    """Each token has its run and no other; there is no run that nobody asked for."""
    known = {run.run_id for run in seen.runs}
    for token, run_id in seen.asked.items():
        if run_id not in known:
            yield f"run {run_id} was promised and is not there"
        if seen.asked_again[token] != run_id:
            yield f"the token of run {run_id} gives {seen.asked_again[token]} when asked again"
    wanted = set(seen.asked.values())
    for run in seen.runs:
        if run.kind != "tick" and run.run_id not in wanted:
            yield f"nobody asked for run {run.run_id} ({run.kind})"
    instants = Counter(run.triggered_at for run in seen.runs if run.kind == "tick")
    if "tick" in plan.jobs and not instants:
        yield "the schedule never fired"
    yield from (f"the schedule fired {n} times at {at}" for at, n in instants.items() if n > 1)


def each_attempt_runs_once(plan: Plan, seen: Evidence) -> Iterator[str]:
    """User code begins at most once an attempt; of a success, begins and ends exactly once."""
    told = _told(seen)
    for attempt in seen.attempts:
        begun, ended = (len(told[attempt.task_run_id, word]) for word in ("begin", "end"))
        if begun > 1 or ended > 1:
            yield f"{_name(attempt)} began {begun} times and ended {ended} times"
        elif attempt.is_program and attempt.result == _SUCCESS and (begun, ended) != (1, 1):
            yield f"{_name(attempt)} succeeded, but its code began {begun} and ended {ended} times"
    known = {attempt.task_run_id for attempt in seen.attempts}
    strangers = {each.task_run_id for each in seen.seen} - known
    yield from (f"code ran for {number}, which is no attempt" for number in sorted(strangers))


def what_finished_never_runs_again(plan: Plan, seen: Evidence) -> Iterator[str]:
    """Behind a success no attempt follows; an attempt does nothing once its successor has begun."""
    told = _told(seen)
    for first, second in _successions(seen):
        if first.result == _SUCCESS:
            yield f"{_name(second)} followed the success of {_name(first)}"
        begun, last = told[second.task_run_id, "begin"], told[first.task_run_id, "end"]
        if begun and last and last[-1].number > begun[0].number:
            yield f"{_name(first)} went on after {_name(second)} had begun"


def attempts_are_owed_to_faults(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A task that needs nothing of the stack is tried again only when it was hit itself."""
    if plan.starves:
        return
    pure = {run.run_id for run in seen.runs if KINDS[run.kind].is_pure}
    again = [second for _, second in _successions(seen) if second.run_id in pure]
    if len(again) > plan.hits:
        names = ", ".join(map(_name, again))
        yield f"{plan.hits} attempts were hit, {len(again)} were made anew: {names}"


def what_has_ended_does_nothing_more(plan: Plan, seen: Evidence) -> Iterator[str]:
    """No code of a run begins or ends after the run itself has, above all when it was cancelled."""
    ended = {run.run_id: run.ended_at for run in seen.runs if run.ended_at is not None}
    for each in seen.seen:
        if each.run_id in ended and each.at > ended[each.run_id]:
            yield f"code of run {each.run_id} told '{each.event}' after the run had ended"


def limits_are_kept(plan: Plan, seen: Evidence) -> Iterator[str]:
    """No more runs of a job are at work at once than it allows, by what their code told."""
    spans: defaultdict[int, list[Seen]] = defaultdict(list)
    for each in seen.seen:
        spans[each.run_id].append(each)
    for kind, rule in KINDS.items():
        runs = [run.run_id for run in seen.runs if run.kind == kind and run.run_id in spans]
        edges = [(spans[run][0].number, 1) for run in runs]
        edges += [(spans[run][-1].number + 0.5, -1) for run in runs]
        at_once = most = 0
        for _, step in sorted(edges):
            at_once += step
            most = max(most, at_once)
        if most > rule.limit:
            yield f"{most} runs of {kind} were at work at once, {rule.limit} are allowed"


def published_is_all_or_none(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A run that succeeded has one row in each table, any other none in any."""
    runs = {run.run_id: run for run in seen.runs if run.kind == "publish"}
    for run_id, run in runs.items():
        wanted = int(run.result == _SUCCESS)
        found = {table: seen.rows[table][run_id] for table in PUBLISHED}
        if set(found.values()) != {wanted}:
            yield f"run {run_id} ended as {run.result} and has rows {found}"
    strangers = {run for table in PUBLISHED for run in seen.rows[table]} - set(runs)
    yield from (f"rows of run {run} are there, which is none of ours" for run in sorted(strangers))


def postgres_agrees_with_temporal(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A run that has ended has a workflow that has completed, and its events have no gap."""
    for run in seen.runs:
        status = seen.temporal.get(run.run_id, "missing")
        if run.life == RunLife.ENDED and status != "COMPLETED":
            yield f"run {run.run_id} is {run.life}, its workflow {status}"
    yield from seen.event_gaps


def statements_end(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A statement ends, and with no wrong answer: else it says that a part it needs was away."""
    for name, end in seen.statements.items():
        if end not in ("", *_AWAY):
            yield f"statement {name} ended with {end}"


def statements_are_answered(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A read that was accepted gives the right answer, whatever was away meanwhile."""
    for name, end in seen.statements.items():
        if end:
            yield f"statement {name} ended with {end}"


def logs_have_no_gap(plan: Plan, seen: Evidence) -> Iterator[str]:
    """The log of an attempt has its lines in order, each once; of a success, all of them."""
    if plan.starves:
        return
    for attempt in seen.attempts:
        if not attempt.is_program or attempt.task_run_id not in seen.logs:
            continue
        lines = [
            line for line in seen.logs[attempt.task_run_id].splitlines() if line.startswith("line ")
        ]
        wanted = [f"line {number} of {LINES}" for number in range(1, LINES + 1)]
        whole = attempt.result == _SUCCESS
        if lines != (wanted if whole else wanted[: len(lines)]):
            yield f"the log of {_name(attempt)} has {len(lines)} lines, or not in order: {lines}"


def nothing_is_left(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A minute after the last run no process, branch, lock, file or message is left of them."""
    for what, names in vars(seen.left).items():
        if names:
            yield f"{what} left: {', '.join(names)}"


def histories_replay(plan: Plan, seen: Evidence) -> Iterator[str]:
    """What Temporal has of a sample of runs replays with today's code."""
    yield from seen.replay_errors


def deeds_are_audited(plan: Plan, seen: Evidence) -> Iterator[str]:
    """Every run that was asked for has its row in the audit trail."""
    for run_id in seen.asked.values():
        if run_id not in seen.audited:
            yield f"the audit trail does not know run {run_id}"


def nobody_ends_by_itself(plan: Plan, seen: Evidence) -> Iterator[str]:
    """A process that has started well ends only when it is killed, whatever its neighbours do."""
    yield from seen.odd_deaths


Invariant = Callable[[Plan, Evidence], Iterator[str]]

INVARIANTS: Mapping[str, Invariant] = {
    rule.__name__: rule
    for rule in (
        every_run_ends,
        no_run_is_lost_or_doubled,
        each_attempt_runs_once,
        what_finished_never_runs_again,
        attempts_are_owed_to_faults,
        what_has_ended_does_nothing_more,
        limits_are_kept,
        published_is_all_or_none,
        postgres_agrees_with_temporal,
        statements_end,
        statements_are_answered,
        logs_have_no_gap,
        nothing_is_left,
        histories_replay,
        deeds_are_audited,
        nobody_ends_by_itself,
    )
}


def judge(plan: Plan, seen: Evidence) -> dict[str, list[str]]:
    """Return the violations of every invariant, by its name."""
    return {name: list(rule(plan, seen)) for name, rule in INVARIANTS.items()}


def _told(seen: Evidence) -> defaultdict[tuple[int, str], list[Seen]]:
    told: defaultdict[tuple[int, str], list[Seen]] = defaultdict(list)
    for each in seen.seen:
        told[each.task_run_id, each.event].append(each)
    return told


def _successions(seen: Evidence) -> Iterator[tuple[AttemptSeen, AttemptSeen]]:
    tasks: defaultdict[tuple[int, str], list[AttemptSeen]] = defaultdict(list)
    for attempt in seen.attempts:
        tasks[attempt.run_id, attempt.task_key].append(attempt)
    for made in tasks.values():
        yield from pairwise(sorted(made, key=lambda each: each.attempt))


def _worn_out(seen: Evidence) -> set[int]:
    """Return the runs one of whose tasks has had all its attempts."""
    made = Counter((attempt.run_id, attempt.task_key) for attempt in seen.attempts)
    return {run_id for (run_id, _), count in made.items() if count >= ATTEMPTS}


def _name(attempt: AttemptSeen) -> str:
    return f"{attempt.task_key} attempt {attempt.attempt} ({attempt.task_run_id}, {attempt.result})"
