"""Says in plain English what starts a job by itself."""

from spec.cron import parse_cron
from spec.cron_words import describe
from spec.schedules import Continuous, CronSchedule, TriggerSettings
from spec.triggers import ActiveTrigger


def describe_trigger(active: ActiveTrigger) -> str:
    """Return e.g. "every weekday at 06:00 Europe/Berlin" or "when files arrive in s3://…"."""
    given = active.settings
    if isinstance(given, CronSchedule):
        return describe(parse_cron(given.quartz_cron_expression), given.timezone_id)
    if isinstance(given, Continuous):
        return "all the time, one run after the other"
    return _event(given)


def _event(given: TriggerSettings) -> str:
    if given.periodic is not None:
        unit = given.periodic.unit.lower()
        count = given.periodic.interval
        return f"every {unit.removesuffix('s')}" if count == 1 else f"every {count} {unit}"
    if given.file_arrival is not None:
        return f"when files arrive in {given.file_arrival.url}"
    if given.table_update is None:
        return ""
    names = given.table_update.table_names
    if len(names) == 1:
        return f"when {names[0]} is updated"
    every = "all" if given.table_update.condition == "ALL_UPDATED" else "any"
    return f"when {every} of {', '.join(names)} {'are' if every == 'all' else 'is'} updated"
