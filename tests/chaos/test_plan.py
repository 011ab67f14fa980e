"""A seed is all it takes to have the same trial again."""

from itertools import islice
from pathlib import Path

from tests.chaos import ledger
from tests.chaos.campaign import seeds_from
from tests.chaos.plan import FaultKind, Seed, make_plan

EVERY = tuple(FaultKind)


def test_the_same_seed_gives_the_same_plan() -> None:
    for seed in islice(seeds_from(7, EVERY), 50):
        assert make_plan(seed) == make_plan(Seed.parse(str(seed)))
    assert list(islice(seeds_from(7, EVERY), 5)) == list(islice(seeds_from(7, EVERY), 5))


def test_every_kind_of_fault_is_drawn_and_named_points_in_each_trial() -> None:
    drawn: set[FaultKind] = set()
    for seed in islice(seeds_from(1, EVERY), 100):
        plan = make_plan(seed)
        assert any(fault.is_armed for fault in plan.faults)
        assert len(plan.pauses_s) == sum(not fault.is_armed for fault in plan.faults)
        drawn |= {fault.kind for fault in plan.faults}
    assert drawn == set(EVERY)


def test_a_full_profile_has_spark_and_kills_trino_and_changes_no_other_seed() -> None:
    hit: set[str] = set()
    for seed in islice(seeds_from(1, (FaultKind.KILL, FaultKind.POINT), 8, "full"), 40):
        plan = make_plan(seed)
        assert "spark" in plan.jobs and Seed.parse(str(seed)) == seed
        hit |= {fault.target for fault in plan.faults}
    assert {"trino", "after_submit@s1"} <= hit
    embedded = [make_plan(seed) for seed in islice(seeds_from(1, EVERY), 40)]
    assert not any("spark" in plan.jobs for plan in embedded)


def test_only_faults_that_are_wanted_are_drawn() -> None:
    for seed in islice(seeds_from(1, (FaultKind.KILL,), 3), 20):
        faults = make_plan(seed).faults
        assert 1 <= len(faults) <= 3
        assert {fault.kind for fault in faults} == {FaultKind.KILL}
    assert [each.kind for each in make_plan(Seed(1, (FaultKind.DISK,))).faults] == [FaultKind.DISK]


def test_a_trial_that_fails_is_kept_and_its_seed_tried_again(tmp_path: Path) -> None:
    book, seeds = tmp_path / "ledger.jsonl", tmp_path / "seeds.txt"
    line = {"seed": 5, "kinds": ["kill", "stop"], "most": 3, "outcome": "held"}
    ledger.keep(line, book, seeds)
    assert ledger.read_seeds(seeds) == []
    ledger.keep({**line, "outcome": "violated"}, book, seeds)
    ledger.keep({**line, "outcome": "violated"}, book, seeds)
    assert ledger.read_seeds(seeds) == [Seed(5, (FaultKind.KILL, FaultKind.STOP), 3)]
    assert [each["outcome"] for each in ledger.read(book)] == ["held", "violated", "violated"]
