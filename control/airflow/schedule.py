"""Says a Quartz schedule in Airflow's cron, where that can be said exactly.

Airflow reads five fields with croniter: no seconds and no years, weekdays from 0 = Sunday, `L` for
the last day of a month, `5#3` for the third Friday and `L5` for the last one.
"""

from spec.cron import FIRST_YEAR, LAST_YEAR, Cron


class NotSayable(ValueError):
    """The message says what Airflow's cron lacks."""


def airflow_cron(cron: Cron) -> str:
    """Return minute, hour, day of month, month and day of week.

    Raises:
        NotSayable: it cannot be said.
    """
    if cron.seconds != (0,):
        raise NotSayable("it fires at other seconds than 0")
    if cron.years != tuple(range(FIRST_YEAR, LAST_YEAR + 1)):
        raise NotSayable("it is bound to years")
    fields = (
        _field(cron.minutes, 0, 59),
        _field(cron.hours, 0, 23),
        _days(cron),
        _field(cron.months, 1, 12),
        _weekdays(cron),
    )
    return " ".join(fields)


def _days(cron: Cron) -> str:
    if cron.near:
        raise NotSayable("it means the weekday nearest to a day (W)")
    if cron.days.before_last:
        if cron.days.before_last == (0,) and not cron.days.days:
            return "L"
        raise NotSayable("it counts days from the end of a month")
    return _field(cron.days.days, 1, 31) if cron.days else "*"


def _weekdays(cron: Cron) -> str:
    if not cron.weekdays:
        return "*"
    days = tuple(sorted(day - 1 for day in cron.weekdays))
    if cron.nth:
        return f"{days[0]}#{cron.nth}"
    return f"L{days[0]}" if cron.is_last else _field(days, 0, 6)


def _field(values: tuple[int, ...], low: int, high: int) -> str:
    """Write values as short as cron can: `*`, `*/5`, `9-17` or a list."""
    if values == tuple(range(low, high + 1)):
        return "*"
    if len(values) > 2:
        step = values[1] - values[0]
        if values == tuple(range(low, high + 1, step)):
            return f"*/{step}"
        if values == tuple(range(values[0], values[-1] + 1)):
            return f"{values[0]}-{values[-1]}"
    return ",".join(str(value) for value in values)
