import json

from typer.testing import CliRunner

from control.cli import app

ARGUMENTS = ["schedule", "preview", "0 0 6 ? * MON-FRI", "-z", "Europe/Berlin"]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def test_words_and_times_in_the_zone_and_in_utc() -> None:
    code, text = run(*ARGUMENTS, "--count", "2", "--from", "2026-03-27T06:00")
    assert code == 0
    assert "Every weekday at 06:00 Europe/Berlin" in text
    assert "Mon 2026-03-30 06:00:00 +0200  2026-03-30 04:00:00" in text
    assert "Tue 2026-03-31 06:00:00 +0200  2026-03-31 04:00:00" in text
    assert "2026-04-01" not in text


def test_json_for_programs() -> None:
    _, text = run(*ARGUMENTS, "--count", "1", "--from", "2026-03-27T05:00Z", "-o", "json")
    assert json.loads(text) == {
        "quartz_cron_expression": "0 0 6 ? * MON-FRI",
        "timezone_id": "Europe/Berlin",
        "description": "every weekday at 06:00 Europe/Berlin",
        "fires": [
            {"local": "2026-03-30T06:00:00+02:00", "utc": "2026-03-30T04:00:00+00:00"},
        ],
    }


def test_mistakes_are_one_sentence() -> None:
    for words, sentence in (
        (("0 6 * * *",), "write '0 0 6 * * ?'"),
        (("0 0 6 * * ?", "-z", "Berlin"), "did you mean 'Europe/Berlin'?"),
        (("0 0 6 * * ?", "--from", "tomorrow"), "write it like 2026-03-29T01:00"),
    ):
        code, text = run("schedule", "preview", *words)
        assert code == 1
        assert sentence in " ".join(text.split())
        assert "Traceback" not in text


def test_a_schedule_that_is_over_says_so() -> None:
    code, text = run("schedule", "preview", "0 0 6 30 2 ?", "--from", "2026-01-01")
    assert code == 0
    assert "It never fires after 2026-01-01 00:00:00." in text
