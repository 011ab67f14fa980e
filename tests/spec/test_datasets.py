"""A table has one name, whichever engine speaks of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from spec.datasets import ColumnEdge, canonical_name, read_event
from spec.ids import id_of_lineage_run, lineage_run_id, run_id_at, task_run_id

RECORDED = Path(__file__).parent.parent / "control" / "recorded" / "spark_iceberg.jsonl"


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


@pytest.mark.parametrize(
    ("namespace", "name", "canonical"),
    [
        ("openlake-1", "lakehouse.gold.daily", "lakehouse.gold.daily"),
        ("trino://trino:8080", "lakehouse.gold.daily", "lakehouse.gold.daily"),
        ("file", "/data/f.csv", "file:/data/f.csv"),
        ("file", "/data/a.b.c", "file:/data/a.b.c"),
        ("s3://raw", "in/f.csv", "s3://raw/in/f.csv"),
        ("postgres://db:5432", "shop.public.orders", "postgres://db:5432/shop.public.orders"),
        ("", "plain", "plain"),
    ],
)
def test_names_without_facets(namespace: str, name: str, canonical: str) -> None:
    assert canonical_name({"namespace": namespace, "name": name}) == canonical


def test_spark_names_a_table_by_path_and_symlink() -> None:
    dataset = recorded()[-1]["outputs"][0]
    assert dataset["namespace"] == "s3://lakehouse"
    assert canonical_name(dataset) == "lakehouse.silver.flights"
    # Before the table exists Spark has no location for it.
    dataset = recorded()[2]["outputs"][0]
    assert dataset["namespace"] == "file"
    assert canonical_name(dataset) == "lakehouse.bronze.flights"


def test_columns_follow_the_names_of_their_tables() -> None:
    facts = read_event(recorded()[5])
    assert facts.kind == "COMPLETE"
    assert facts.inputs == {"lakehouse.bronze.flights", "lakehouse.bronze.planes"}
    assert facts.outputs == {"lakehouse.silver.flights"}
    silver = "lakehouse.silver.flights"
    assert facts.columns == {
        ColumnEdge(silver, "flight", "lakehouse.bronze.flights", "flight"),
        ColumnEdge(silver, "delay", "lakehouse.bronze.flights", "delay"),
        ColumnEdge(silver, "model", "lakehouse.bronze.planes", "model"),
    }
    assert [name for name, _ in facts.schemas[silver]] == ["flight", "delay", "model"]


def test_only_what_is_complete_has_happened() -> None:
    kinds = {(e["eventType"], read_event(e).has_happened) for e in recorded()}
    assert kinds == {("START", False), ("COMPLETE", True)}


def test_an_attempts_own_events_come_after_the_deed() -> None:
    attempt = task_run_id(run_id_at(3), 2)
    event = {"eventType": "RUNNING", "run": {"runId": str(lineage_run_id(attempt))}}
    assert read_event(event).has_happened
    assert read_event(event).own_ids == (attempt,)


def test_sparks_parents_name_our_run() -> None:
    assert read_event(recorded()[2]).own_ids == (run_id_at(1),)


@pytest.mark.parametrize("value", [1, run_id_at(1), task_run_id(run_id_at(2**32), 2**20 - 1)])
def test_lineage_run_ids_lead_back(value: int) -> None:
    assert id_of_lineage_run(lineage_run_id(value)) == value


@pytest.mark.parametrize("event", [{}, {"run": 3, "inputs": "x", "outputs": [None, 1]}])
def test_nonsense_says_nothing(event: dict[str, Any]) -> None:
    facts = read_event(event)
    assert (facts.inputs, facts.outputs, facts.run) == (frozenset(), frozenset(), None)
