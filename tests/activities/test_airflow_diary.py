"""The log of a followed DAG run, carried from host to host."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from activities.airflow.diary import Diary, Fact

_START = datetime(2026, 11, 23, tzinfo=UTC)


def _fact(seconds: float, what: str) -> Fact:
    return Fact(_START + timedelta(seconds=seconds), what, "http://page")


def _whats(file: Path) -> list[str]:
    return [line.split("  ")[1] for line in file.read_text().splitlines()] if file.exists() else []


def test_a_line_is_written_once_on_one_host(tmp_path: Path) -> None:
    file = tmp_path / "log"
    diary = Diary(file, {})
    diary.write([_fact(2, "b: started"), _fact(1, "a: started")])
    diary.write([_fact(2, "b: started")])
    Diary(file, {}).write([_fact(1, "a: started"), _fact(3, "a: success")])
    assert _whats(file) == ["a: started", "b: started", "a: success"]


def test_another_host_says_what_showed_itself_late_and_nothing_twice(tmp_path: Path) -> None:
    facts = [_fact(0, "a: started"), _fact(60, "a: success"), _fact(62, "b: started")]
    first = Diary(tmp_path / "first", {})
    first.write(facts)

    late = [_fact(58, "c: started"), _fact(61, "d: started")]
    second = Diary(tmp_path / "second", first.notes())
    second.write([*facts, *late])
    assert _whats(tmp_path / "second") == ["c: started", "d: started"]

    third = Diary(tmp_path / "third", second.notes())
    third.write([*facts, *late, _fact(65, "b: success")])
    assert _whats(tmp_path / "third") == ["b: success"]


def test_notes_stay_small_however_much_happens_at_once(tmp_path: Path) -> None:
    facts = [_fact(number / 1000, f"task[{number}]: started") for number in range(1000)]
    first = Diary(tmp_path / "first", {})
    first.write(facts)
    assert len(first.notes()["said"].splitlines()) == 200

    second = Diary(tmp_path / "second", first.notes())
    second.write([*facts, _fact(1, "task[1000]: started")])
    assert _whats(tmp_path / "second") == ["task[1000]: started"]
