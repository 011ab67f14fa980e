"""The page says what the file of samples holds, and judges it as the targets say."""

from pathlib import Path

import pytest

from tests.bench import report, samples
from tests.bench.ledger import Ledger
from tests.bench.measures import chain
from tests.bench.plan import PHASES, chosen, turns
from tests.bench.samples import Sample, Samples
from tests.bench.spread import exponent, spread
from tests.bench.step import note, step
from tests.bench.subject import Ran
from tests.bench.targets import SHAPES, TARGETS


def measured(**medians: float) -> Samples:
    """Samples of latency, one a subject, all in one phase."""
    made = [
        Sample("one", "latency", 1, subject.replace("_", "-"), {"begun_ms": each})
        for subject, each in medians.items()
    ]
    return Samples({}, {}, made)


def test_the_page_is_what_the_file_gives() -> None:
    if samples.FILE.exists():
        assert report.PAGE.read_text() == report.page(samples.read())


def test_a_spread_holds_quartiles_and_ends() -> None:
    found = spread([4, 1, 3, 2, 5])
    assert (found.n, found.least, found.p25, found.median, found.p75, found.most) == (
        5,
        1,
        2,
        3,
        4,
        5,
    )
    assert spread([7]).p75 == 7


def test_growth_is_told_from_flat_and_square() -> None:
    sizes = (10, 100, 1000)
    assert exponent(sizes, [5, 5, 5]) == pytest.approx(0)
    assert exponent(sizes, [20, 200, 2000]) == pytest.approx(1)
    assert exponent(sizes, [1, 100, 10_000]) == pytest.approx(2)


def test_a_shape_that_grows_too_fast_is_named() -> None:
    rates = {10: 10.0, 100: 10.0, 1_000: 1.0}
    slow = [
        Sample("one", "fan_out", size, "openlake", {"tasks_per_s": rate})
        for size, rate in rates.items()
    ]
    (broken,) = report.broken_shapes(Samples({}, {}, slow))
    assert broken.startswith("time of a fan-out")
    assert not report.broken_shapes(Samples({}, {}, slow[:2]))


def test_a_target_is_kept_or_missed_or_not_measured() -> None:
    target = TARGETS[0]
    assert target.judge(measured(openlake=50, temporal=20)) == (2.5, True)
    assert target.judge(measured(openlake=80, temporal=20)) == (4, False)
    assert target.judge(measured(temporal=20)) == (None, None)


def test_peers_are_compared_by_the_yardstick_of_their_own_phase() -> None:
    (tuned,) = [each for each in TARGETS if each.title.startswith("… Airflow tuned, ag")][:1]
    ours, theirs = measured(openlake=40, temporal=20), measured(airflow=800, temporal=40)
    moved = [Sample("two", each.measure, 1, each.subject, each.values) for each in theirs.samples]
    # In the peer's phase the machine was half as fast: 20 times raw Temporal, against 2 times.
    assert tuned.judge(Samples({}, {}, ours.samples + moved)) == (10, True)


def test_measuring_again_replaces_only_what_was_measured() -> None:
    before = measured(openlake=40, temporal=20)
    before.samples.append(Sample("one", "runs", 50, "openlake", {"runs_per_min": 1}))
    before.replace(measured(openlake=30, temporal=10))
    assert before.values("latency", "openlake", "begun_ms") == [30]
    assert before.values("runs", "openlake", "runs_per_min") == [1]


def test_samples_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.json"
    made = measured(openlake=40, temporal=20)
    made.machine, made.versions = {"cpus": 2}, {"temporal": {"temporalio": "1"}}
    samples.write(made, file)
    assert samples.read(file) == made
    assert samples.read(tmp_path / "none.json") == Samples()


def test_a_page_and_its_pictures_come_of_any_samples(tmp_path: Path) -> None:
    made = measured(openlake=40, temporal=20, prefect_serve=2_000)
    report.write(made, tmp_path / "page.md", tmp_path / "pictures")
    text = (tmp_path / "page.md").read_text()
    assert "| OpenLake, forked interpreter | 1 | 40 | 40 | 40 | 40 | 40 | 2.00 × |" in text
    assert (tmp_path / "pictures" / "latency.svg").read_text().startswith("<?xml")
    assert "| hand-over in a 50-task chain, against raw Temporal | at most 1.5 × | – |" in text
    assert report.page(Samples())


def test_the_turns_of_subjects_are_spread_over_the_rounds() -> None:
    assert list(turns({"a": 4, "b": 2})) == ["a", "a", "b", "a", "a", "b"]
    assert list(turns({"a": 1, "b": 1})) == ["a", "b"]


def test_a_choice_of_measures_keeps_their_sizes_and_drops_lonely_yardsticks() -> None:
    (only,) = chosen([], [], ["chain@10"])
    assert set(only.counts) == {"openlake", "openlake-process", "temporal"}
    assert only.measures() == ["chain@10"]
    assert {"chain", "chain@10", "chain@500"} <= set(next(chosen([], [], ["chain"])).measures())
    assert [phase.name for phase in chosen([], [], [])] == [phase.name for phase in PHASES]


def test_a_chain_is_judged_by_what_user_code_noted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    step(str(ledger.path), "earlier", "0")
    ledger.turn()
    for key in range(3):
        step(str(ledger.path), "run", str(key))

    class Ended:
        def run(self, work: object) -> Ran:
            return Ran(0, 3_000_000, ledger.steps())

    assert chain(Ended(), 3)["ms_per_task"] == 1  # type: ignore[arg-type]
    note(str(ledger.path), "begin", "run", "2")
    with pytest.raises(AssertionError, match="2 of 3 steps ran once"):
        chain(Ended(), 3)  # type: ignore[arg-type]


def test_every_shape_and_target_has_a_name_of_its_own() -> None:
    titles = [each.title for each in (*SHAPES, *TARGETS)]
    assert len(set(titles)) == len(titles)
