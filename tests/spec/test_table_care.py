"""What a table_care task may ask for, which tables it means, and how its figures are told."""

import pytest
from pydantic import ValidationError

from spec.errors import Invalid
from spec.table_care import TableCareTask, is_chosen, resolved_patterns
from spec.table_care_figures import CareRow, Figures, Step, log_line, removal_values, result_of
from spec.tasks import Engine, Task, engine_of

DELETING = {"expire_snapshots": {}, "remove_orphan_files": {}}


def care(**fields: object) -> TableCareTask:
    return TableCareTask.model_validate({"tables": ["shop.*"], **fields})


def test_the_defaults_are_careful() -> None:
    task = care(compact={}, **DELETING)
    assert task.compact is not None and task.compact.min_input_files == 5
    assert task.expire_snapshots is not None and task.expire_snapshots.older_than_hours is None
    assert task.remove_orphan_files is not None
    assert task.remove_orphan_files.older_than_hours == 72
    assert not task.rewrite_manifests and not task.dry_run


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "give at least one of 'compact'"),
        ({"rewrite_manifests": False}, "give at least one of 'compact'"),
        ({"tables": [], "compact": {}}, "at least 1 item"),
        ({"tables": ["orders"], "compact": {}}, "'orders' names no tables"),
        ({"tables": ["*.orders"], "compact": {}}, "names no tables"),
        ({"tables": ["shop.or*"], "compact": {}}, "names no tables"),
        ({"compact": {"min_input_files": 1}}, "greater than or equal to 2"),
        ({"remove_orphan_files": {"older_than_hours": 1}}, "greater than or equal to 24"),
        ({"compact": {}, "dry_run": True, **DELETING}, "put them into a task of their own"),
        ({"expire_snapshots": {"retain_last": 3}}, "Extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        care(**fields)


def test_references_are_judged_when_they_are_resolved() -> None:
    assert care(tables=["{{job.parameters.tables}}"], compact={}).tables
    assert resolved_patterns(["a.b.c", "*", "a.*"]) == ("a.b.c", "*", "a.*")
    with pytest.raises(Invalid, match="'all' names no tables"):
        resolved_patterns(["all"])


@pytest.mark.parametrize(
    ("pattern", "key", "meant"),
    [
        ("*", ("a", "b", "t"), True),
        ("a.*", ("a", "t"), True),
        ("a.*", ("a", "b", "t"), False),
        ("a.b.*", ("a", "b", "t"), True),
        ("a.t", ("a", "t"), True),
        ("a.t", ("a", "tt"), False),
    ],
)
def test_patterns_mean_tables(pattern: str, key: tuple[str, ...], meant: bool) -> None:
    assert is_chosen(key, ["x.y", pattern]) is meant


def test_only_what_rewrites_needs_an_engine() -> None:
    def engine(**fields: object) -> Engine | None:
        return engine_of(Task(task_key="care", table_care_task=care(**fields)))

    assert engine(compact={}) is engine(rewrite_manifests=True, **DELETING) is Engine.SPARK
    assert engine(**DELETING) is None


def test_compute_is_for_what_rewrites() -> None:
    Task(task_key="a", table_care_task=care(compact={}), existing_cluster_id="big")
    with pytest.raises(ValidationError, match="takes no 'existing_cluster_id'"):
        Task(task_key="a", table_care_task=care(**DELETING), existing_cluster_id="big")


def test_figures_of_both_parts_are_one_table() -> None:
    before, after = Figures(9, 900, 4, 3), Figures(4, 400, 2, 1)
    compacted = result_of([CareRow("a.t", Step.COMPACT, before, after)])
    row = CareRow("a.t", Step.EXPIRE_SNAPSHOTS, before, after, deleted=5)
    whole = result_of([row], earlier=compacted)
    assert whole.row_count == 2 and not whole.truncated
    assert whole.rows[1] == ("a.t", "expire_snapshots", *"9 4 900 400 4 2 3 1 5".split())
    assert removal_values([row], dry_run=True) == {
        "deleted_files": 5,
        "deleted_bytes": 500,
        "dry_run": True,
    }
    assert log_line(row, dry_run=True) == (
        "a.t: expire_snapshots: would delete 5 of 9 files (500 of 900 bytes)"
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    row = CareRow("a.t", Step.COMPACT, Figures(), Figures())
    result = result_of([row] * 1001)
    assert (len(result.rows), result.row_count, result.truncated) == (1000, 1001, True)
