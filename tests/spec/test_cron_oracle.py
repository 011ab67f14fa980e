"""Compares ours with Quartz itself, on thousands of generated questions.

Deviations, all on purpose: ours refuses some texts that Quartz half ignores (see `spec.cron`),
ends with the year 2099 where Quartz ends a hundred years from today, reads the nearest weekday as
documented (see `spec.cron_fire`), and goes on where Quartz searches for ever.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from control.config import Settings
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.progress import Silent
from spec.cron import LAST_YEAR, BadCron, parse_cron
from spec.cron_fire import next_fires
from tests.spec.cron_cases import Question, mistake, questions, start

pytestmark = pytest.mark.integration

SEED = 20_260_101
FIRES = 5
ORACLE = Path(__file__).parent / "quartz" / "Oracle.java"


@pytest.fixture(scope="module")
def layout() -> Layout:
    """The cached tools of this machine, Quartz among them."""
    layout = Layout(Settings())
    install(layout, ["quartz", "quartz-weekdays"], Silent())
    return layout


def ask_quartz(layout: Layout, asked: Sequence[Question]) -> list[list[int] | str]:
    """Return Quartz's answers: the next fires in seconds since 1970, or why there are none.

    Of an expression with nearest weekdays, each of them is asked for by itself of Quartz 2.4, for
    2.5 misses some and 2.4 knows no lists; the answers are merged.
    """
    parts = [(number, part) for number, each in enumerate(asked) for part in split(each)]
    answers = list[list[list[int] | str]]([] for _ in asked)
    for tool, near in (("quartz", False), ("quartz-weekdays", True)):
        mine = [(number, part) for number, part in parts if has_near(part) is near]
        said = run_oracle(layout, tool, [part for _, part in mine])
        for (number, part), answer in zip(mine, said, strict=True):
            answers[number].append(
                seconds(answer, part.zone) if not answer.startswith("e") else answer
            )
    return [merge(each) for each in answers]


def has_near(question: Question) -> bool:
    days = question.expression.split()[3:4]
    return bool(days) and "W" in days[0].upper()


def split(question: Question) -> list[Question]:
    """Return one question for the plain days and one for each nearest weekday."""
    fields = question.expression.split()
    if not has_near(question) or "," not in fields[3]:
        return [question]
    items = fields[3].split(",")
    plain = [item for item in items if "W" not in item.upper()]
    groups = ([",".join(plain)] if plain else []) + [item for item in items if item not in plain]
    return [
        replace(question, expression=" ".join([*fields[:3], group, *fields[4:]]))
        for group in groups
    ]


def merge(answers: Sequence[list[int] | str]) -> list[int] | str:
    found = set[int]()
    for answer in answers:
        if isinstance(answer, str):
            return answer
        found |= set(answer)
    return sorted(found)[:FIRES]


def run_oracle(layout: Layout, tool: str, asked: Sequence[Question]) -> list[str]:
    """Run one version of Quartz.

    The Java runtime has no compiler; the small one that Spark brings runs the source file.
    """
    lines = [f"{q.expression}|{q.zone}|{int(q.start.timestamp())}|{FIRES}\n" for q in asked]
    jars = [*(layout.spark_home / "jars").glob("janino-*.jar")]
    jars += [*(layout.spark_home / "jars").glob("commons-compiler-*.jar")]
    jars += layout.maven_dir(tool).glob("*.jar")
    java = layout.java_home_21 / "bin" / "java"
    main = ("org.codehaus.janino.SimpleCompiler", ORACLE, "Oracle")
    done = subprocess.run(
        [java, "-Xmx256m", "-cp", ":".join(map(str, jars)), *main],
        input="".join(lines),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(asked), done.stderr[-2000:]
    return answers


def seconds(answer: str, zone: str) -> list[int]:
    """Return Quartz's instants up to the last year that we know."""
    info = ZoneInfo(zone)
    found = [int(word) for word in answer.split()]
    return [
        at for at in found if datetime.fromtimestamp(at, UTC).astimezone(info).year <= LAST_YEAR
    ]


def ours(question: Question) -> list[int]:
    cron = parse_cron(question.expression)
    found = next_fires(cron, question.start, question.zone, FIRES)
    return [int(at.timestamp()) for at in found]


def test_fires_are_those_of_quartz(layout: Layout) -> None:
    asked = list(questions(SEED, 12_000))
    wrong, fired, endless = list[str](), 0, 0
    for question, answer in zip(asked, ask_quartz(layout, asked), strict=True):
        mine = ours(question)
        if answer == "endless":
            # The nearest weekday is a wall time that the zone skips; ours passes over it.
            assert has_near(question), question
            endless += 1
        elif mine != answer:
            wrong.append(f"{question}: {answer} and ours {mine}")
        fired += bool(mine)
    assert not wrong, f"{len(wrong)} of {len(asked)}; for example {wrong[:3]}"
    assert fired > 10_000
    assert endless < 5


def test_what_quartz_refuses_is_refused(layout: Layout) -> None:
    """Also what is not refused reads the same, however odd it looks."""
    random = Random(SEED)
    asked = [Question(mistake(random), "UTC", start(random, "UTC")) for _ in range(6_000)]
    refused = 0
    for question, answer in zip(asked, ask_quartz(layout, asked), strict=True):
        try:
            mine = ours(question)
        except BadCron:
            refused += 1
            continue
        assert mine == answer, question
    assert refused > 500
