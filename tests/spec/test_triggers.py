from datetime import UTC, datetime, timedelta

import pytest

from spec.jobs import JobSettings
from spec.schedules import CronSchedule, PeriodicTrigger
from spec.trigger_words import describe_trigger
from spec.triggers import (
    Due,
    Mark,
    Sight,
    TriggerKind,
    WatchRule,
    active_trigger,
    cron_due,
    look,
    pause_after,
    periodic_due,
)

SIX = CronSchedule(quartz_cron_expression="0 0 6 * * ?", timezone_id="UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("handled", "now", "due"),
    [
        ("10T05:00", "10T05:59:59", Due(None, at("10T06:00"))),
        ("10T05:00", "10T06:00", Due(at("10T06:00"), at("11T06:00"))),
        ("10T06:00", "10T06:00", Due(None, at("11T06:00"))),
        # Late, but within the hour; then too late; then several missed, and none made up for.
        ("10T05:00", "10T06:59:59", Due(at("10T06:00"), at("11T06:00"))),
        ("10T05:00", "10T07:00", Due(None, at("11T06:00"))),
        ("01T05:00", "10T12:00", Due(None, at("11T06:00"))),
    ],
)
def test_a_missed_instant_fires_within_the_hour(handled: str, now: str, due: Due) -> None:
    assert cron_due(SIX, at(handled), at(now)) == due


def test_of_many_missed_instants_the_latest_fires_once() -> None:
    every = CronSchedule(quartz_cron_expression="0 0/15 * * * ?", timezone_id="UTC")
    assert cron_due(every, at("10T05:00"), at("10T09:10")) == Due(at("10T09:00"), at("10T09:15"))


def test_a_schedule_that_is_over_wants_nothing() -> None:
    past = CronSchedule(quartz_cron_expression="0 0 6 1 1 ? 2020", timezone_id="UTC")
    assert cron_due(past, at("10T05:00"), at("10T09:10")) == Due(None, None)


def test_periods_count_from_when_the_trigger_was_set() -> None:
    trigger, armed = PeriodicTrigger(interval=2, unit="HOURS"), at("10T05:30")
    assert periodic_due(trigger, armed, armed, at("10T07:29")) == Due(None, at("10T07:30"))
    assert periodic_due(trigger, armed, armed, at("10T07:31")) == Due(
        at("10T07:30"), at("10T09:30")
    )
    assert periodic_due(trigger, armed, at("10T07:30"), at("10T07:31")) == Due(None, at("10T09:30"))
    # An hour and a half late: left out.
    assert periodic_due(trigger, armed, armed, at("10T13:00")) == Due(None, at("10T13:30"))


def test_a_failing_continuous_job_waits_longer_and_longer() -> None:
    assert [pause_after(n).seconds for n in (0, 1, 2, 3, 7, 90)] == [1, 10, 20, 40, 600, 600]


def test_a_paused_trigger_is_none() -> None:
    periodic = {"interval": 1, "unit": "DAYS"}
    kinds = {
        "schedule": {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"},
        "trigger": {"periodic": periodic},
        "continuous": {},
    }
    for field, given in kinds.items():
        assert active_trigger(JobSettings.model_validate({field: given})) is not None
        paused = {field: {**given, "pause_status": "PAUSED"}}
        assert active_trigger(JobSettings.model_validate(paused)) is None
    found = active_trigger(JobSettings.model_validate({"trigger": {"periodic": periodic}}))
    assert found is not None and found.kind is TriggerKind.PERIODIC
    assert TriggerKind.CRON.of_run == "PERIODIC"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"schedule": SIX.model_dump()}, "every day at 06:00 UTC"),
        ({"trigger": {"periodic": {"interval": 1, "unit": "DAYS"}}}, "every day"),
        ({"trigger": {"periodic": {"interval": 2, "unit": "HOURS"}}}, "every 2 hours"),
        ({"trigger": {"file_arrival": {"url": "s3://b/in/"}}}, "when files arrive in s3://b/in/"),
        ({"trigger": {"table_update": {"table_names": ["a.b"]}}}, "when a.b is updated"),
        (
            {"trigger": {"table_update": {"table_names": ["a.b", "a.c"]}}},
            "when any of a.b, a.c is updated",
        ),
        ({"continuous": {}}, "all the time, one run after the other"),
    ],
)
def test_triggers_in_words(settings: dict[str, object], words: str) -> None:
    active = active_trigger(JobSettings.model_validate(settings))
    assert active is not None
    assert describe_trigger(active) == words


def test_a_table_has_a_schema() -> None:
    with pytest.raises(ValueError, match="'b' is no table's name"):
        JobSettings.model_validate({"trigger": {"table_update": {"table_names": ["a.b", "b"]}}})


@pytest.mark.parametrize(
    ("schedule", "place", "message"),
    [
        (("0 6 * * *", "UTC"), "quartz_cron_expression", "write '0 0 6 * * ?'"),
        (("0 0 6 * * ?", "Berlin"), "timezone_id", "did you mean 'Europe/Berlin'?"),
    ],
)
def test_a_wrong_schedule_is_refused_at_its_place(
    schedule: tuple[str, str], place: str, message: str
) -> None:
    given = {"quartz_cron_expression": schedule[0], "timezone_id": schedule[1]}
    with pytest.raises(ValueError, match="validation error") as caught:
        JobSettings.model_validate({"schedule": given})
    (mistake,) = caught.value.errors()  # pyright: ignore[reportAttributeAccessIssue]
    assert mistake["loc"] == ("schedule", place)
    assert message in mistake["msg"]


ARMED = at("10T05:00")
OLD, NEW = ARMED - timedelta(hours=1), ARMED + timedelta(minutes=1)


def test_what_was_there_before_the_trigger_is_no_news() -> None:
    marks = {"old": Mark("1", OLD), "new": Mark("1", NEW)}
    found = look(Sight(), marks, WatchRule(), ARMED, at("10T05:02"))
    assert (found.news, found.is_due) == (("new",), True)


def test_a_file_that_is_overwritten_or_comes_back_is_news() -> None:
    before = Sight(handled={"a": "1", "b": "1"}, seen={"a": "1", "b": "1"})
    found = look(before, {"a": Mark("2", NEW)}, WatchRule(), ARMED, at("10T05:02"))
    assert found.news == ("a",)
    again = look(found.sight, {"b": Mark("1", NEW)}, WatchRule(), ARMED, at("10T05:03"))
    assert again.news == ("b",)


def test_deleting_is_no_news() -> None:
    before = Sight(handled={"a": "1"}, seen={"a": "1"})
    assert not look(before, {}, WatchRule(), ARMED, at("10T05:02")).is_due


def test_changes_are_waited_out() -> None:
    rule = WatchRule(wait=timedelta(minutes=2))
    first = look(Sight({}, {}), {"a": Mark("1", NEW)}, rule, ARMED, at("10T05:01"))
    assert not first.is_due
    more = {"a": Mark("1", NEW), "b": Mark("1", NEW)}
    second = look(first.sight, more, rule, ARMED, at("10T05:02"))
    assert second.sight.changed_at == at("10T05:02")
    assert not look(second.sight, more, rule, ARMED, at("10T05:03:59")).is_due
    last = look(second.sight, more, rule, ARMED, at("10T05:04"))
    assert (last.is_due, last.news) == (True, ("a", "b"))


def test_firings_keep_their_distance() -> None:
    rule = WatchRule(between=timedelta(minutes=5))
    before = Sight({}, {}, fired_at=at("10T05:00"))
    marks = {"a": Mark("1", NEW)}
    assert not look(before, marks, rule, ARMED, at("10T05:04:59")).is_due
    assert look(before, marks, rule, ARMED, at("10T05:05")).is_due


def test_all_tables_or_any() -> None:
    before = Sight({"a": "1", "b": "1"}, {"a": "1", "b": "1"})
    one = {"a": Mark("2", NEW), "b": Mark("1", OLD)}
    both = {"a": Mark("2", NEW), "b": Mark("2", NEW)}
    rule = WatchRule(all_of=("a", "b"))
    assert look(before, one, WatchRule(), ARMED, NEW).is_due
    assert not look(before, one, rule, ARMED, NEW).is_due
    assert look(before, both, rule, ARMED, NEW).is_due


def test_a_compaction_is_no_update_but_hides_none() -> None:
    before = Sight({"a": "1"}, {"a": "1"})
    compacted = look(before, {"a": Mark("2", NEW, rewrite_of="1")}, WatchRule(), ARMED, NEW)
    assert not compacted.is_due
    assert look(compacted.sight, {"a": Mark("3", NEW)}, WatchRule(), ARMED, NEW).is_due
    # An append and then a compaction, between two looks.
    assert look(before, {"a": Mark("3", NEW, rewrite_of="2")}, WatchRule(), ARMED, NEW).is_due
