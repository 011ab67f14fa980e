"""When a job's trigger fires: pure rules, and what its workflow and the control plane say.

The catch-up rule: an instant that passed while nobody was there to see it (the stack was down, a
worker was late) is made up for when it is less than `CATCH_UP` ago, and however many such instants
there are, only the latest fires, once. Older ones are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from spec.attempts import Frozen
from spec.cron import parse_cron
from spec.cron_fire import fires, next_fire
from spec.jobs import JobSettings
from spec.schedules import Continuous, CronSchedule, PeriodicTrigger, TriggerSettings

CATCH_UP = timedelta(hours=1)
"""How late a missed instant may still fire."""

GAP = timedelta(seconds=1)
"""Between two runs of a continuous job, so that one that has nothing to do does not spin."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
"""Of a continuous job after one failed run, doubled with each further one up to the longest."""

CONTINUOUS_RETRIES = 3
"""With task_retry_mode ON_FAILURE, of each task that has no `max_retries` of its own."""


class TriggerKind(StrEnum):
    """What a job starts by; the value is the run's trigger as Databricks spells it."""

    CRON = "CRON"
    PERIODIC = "PERIODIC"
    FILE_ARRIVAL = "FILE_ARRIVAL"
    TABLE = "TABLE"
    CONTINUOUS = "CONTINUOUS"

    @property
    def of_run(self) -> str:
        """Return what a run that it starts says of its trigger."""
        return "PERIODIC" if self is TriggerKind.CRON else self.value


class ActiveTrigger(NamedTuple):
    """A trigger that is set and not paused."""

    kind: TriggerKind
    settings: CronSchedule | TriggerSettings | Continuous


def active_trigger(settings: JobSettings) -> ActiveTrigger | None:
    """Return what starts the job by itself; None when nothing does, or when it is paused."""
    for given in (settings.schedule, settings.trigger, settings.continuous):
        if given is not None and given.pause_status == "UNPAUSED":
            return ActiveTrigger(_kind(given), given)
    return None


def set_trigger(settings: JobSettings) -> ActiveTrigger | None:
    """Return the same also of a trigger that is paused; None when the job has none."""
    given = next(filter(None, (settings.schedule, settings.trigger, settings.continuous)), None)
    return active_trigger(settings) or (given and ActiveTrigger(_kind(given), given))


def _kind(given: CronSchedule | TriggerSettings | Continuous) -> TriggerKind:
    if isinstance(given, CronSchedule):
        return TriggerKind.CRON
    if isinstance(given, Continuous):
        return TriggerKind.CONTINUOUS
    if given.periodic is not None:
        return TriggerKind.PERIODIC
    return TriggerKind.TABLE if given.file_arrival is None else TriggerKind.FILE_ARRIVAL


class Due(NamedTuple):
    """What to do about a schedule at some moment."""

    fire: datetime | None
    """The instant to fire for now; None when there is none."""
    following: datetime | None
    """The first instant that is still to come; None when there is none."""


def cron_due(
    schedule: CronSchedule, handled: datetime, now: datetime, catch_up: timedelta = CATCH_UP
) -> Due:
    """Return what a Quartz schedule wants.

    Args:
        schedule: Of the job.
        handled: Instants up to this one were dealt with.
        now: The moment.
        catch_up: See the module.
    """
    late: datetime | None = None
    cron = parse_cron(schedule.quartz_cron_expression)
    for at in fires(cron, max(handled, now - catch_up), schedule.timezone_id):
        if at > now:
            return Due(late, at)
        late = at
    return Due(late, None)


_UNITS = {
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "DAYS": timedelta(days=1),
    "WEEKS": timedelta(weeks=1),
}


def periodic_due(
    periodic: PeriodicTrigger,
    armed: datetime,
    handled: datetime,
    now: datetime,
    catch_up: timedelta = CATCH_UP,
) -> Due:
    """Return what a periodic trigger wants: instants at whole intervals after it was set."""
    interval = periodic.interval * _UNITS[periodic.unit]
    passed = max(0, (now - armed) // interval)
    latest = armed + passed * interval
    is_due = passed > 0 and latest > handled and now - latest < catch_up
    return Due(latest if is_due else None, latest + interval)


def next_instant(
    given: CronSchedule | TriggerSettings | Continuous, armed: datetime | None, now: datetime
) -> datetime | None:
    """Return when a schedule or period fires next; None for what waits for no clock.

    Args:
        given: What starts the job.
        armed: When it was set; a period counts from then.
        now: The moment.
    """
    if isinstance(given, CronSchedule):
        return next_fire(parse_cron(given.quartz_cron_expression), now, given.timezone_id)
    if isinstance(given, Continuous) or given.periodic is None or armed is None:
        return None
    return periodic_due(given.periodic, armed, now, now).following


def pause_after(failures: int) -> timedelta:
    """Return how long a continuous job waits after so many failed runs in a row."""
    if failures == 0:
        return GAP
    return min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)


@dataclass(frozen=True)
class Mark:
    """How one watched thing stands: a file by its ETag, a table by its snapshot."""

    version: str
    since: datetime
    """When it became so, by the clock of whoever keeps it."""
    rewrite_of: str | None = None
    """Of a snapshot that only arranges the same rows anew: the snapshot before it."""


@dataclass(frozen=True)
class Sight:
    """What a watch has seen so far."""

    handled: Mapping[str, str] | None = None
    """Thing → version at the last firing; None before the first look."""
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    """Thing → version at the last look."""
    changed_at: datetime | None = None
    """When a look last found something new."""
    fired_at: datetime | None = None


@dataclass(frozen=True)
class WatchRule:
    """When what has changed makes a watch fire."""

    wait: timedelta = timedelta(0)
    """Nothing may have changed for so long."""
    between: timedelta = timedelta(0)
    """So long after the last firing."""
    all_of: tuple[str, ...] = ()
    """Things that must all have changed; empty: any one will do."""


class Look(NamedTuple):
    """What a look came to."""

    sight: Sight
    news: tuple[str, ...]
    """What has changed since the last firing, sorted."""
    is_due: bool


def look(
    before: Sight, marks: Mapping[str, Mark], rule: WatchRule, armed: datetime, now: datetime
) -> Look:
    """Compare what there is now with what was there.

    Args:
        before: What the last look kept.
        marks: Everything that is watched and exists.
        rule: When to fire.
        armed: When the trigger was set. At the first look, only what is newer counts as changed;
            clocks that tell whole seconds are taken at their word.
        now: The moment.
    """
    if before.handled is None:
        begin = armed.replace(microsecond=0)
        handled = {name: mark.version for name, mark in marks.items() if mark.since < begin}
        before = Sight(handled, handled, before.changed_at, before.fired_at)
    handled = dict(before.handled or {})
    for name, mark in marks.items():
        if mark.rewrite_of is not None and mark.rewrite_of == handled.get(name):
            handled[name] = mark.version
    # What is gone may come again, and is news then.
    handled = {name: version for name, version in handled.items() if name in marks}
    current = {name: mark.version for name, mark in marks.items()}
    news = tuple(sorted(name for name in current if current[name] != handled.get(name)))
    is_fresh = any(current[name] != before.seen.get(name) for name in news)
    changed_at = now if is_fresh else before.changed_at
    sight = Sight(handled, current, changed_at, before.fired_at)
    enough = set(rule.all_of) <= set(news) if rule.all_of else bool(news)
    is_due = (
        enough
        and (changed_at is None or now - changed_at >= rule.wait)
        and (before.fired_at is None or now - before.fired_at >= rule.between)
    )
    return Look(sight, news, is_due)


class TriggerRef(Frozen):
    """Names the job whose trigger a workflow tends."""

    workspace_id: int
    job_id: int


class TriggerTick(Frozen):
    """Asks the control plane to do what a job's trigger wants now."""

    job_id: int
    now: datetime
    """The workflow's time; repeated, the question is the same one."""


class TriggerStep(Frozen):
    """What came of it."""

    wake_at: datetime | None = None
    """When to ask again; None when there is nothing to wait for any more."""
    fired_for: datetime | None = None
    run_id: int | None = None


class BackfillRef(Frozen):
    """Names a backfill."""

    workspace_id: int
    backfill_id: int


class BackfillStep(Frozen):
    """How far a backfill is."""

    done: int
    total: int
    is_over: bool
