"""What drivers ask a warehouse to list, as each engine is asked."""

from typing import Any

import pytest
from sqlglot import parse_one

from activities.sql import databricks
from spec.errors import EngineRejected
from spec.tasks import Engine


def translated(text: str, engine: Engine) -> str:
    return databricks.translate(text, engine, catalog="lakehouse", schema="default", columns={})


@pytest.mark.parametrize("engine", [Engine.DUCKDB, Engine.TRINO])
@pytest.mark.parametrize(
    "text",
    [
        "SHOW TABLES IN ALL CATALOGS",
        "SHOW TABLES IN CATALOG other",
        "SHOW TABLES IN CATALOG other SCHEMA LIKE 's*' LIKE 't'",
        "SHOW COLUMNS IN CATALOG other SCHEMA LIKE 's' TABLE LIKE 't' LIKE 'c*'",
    ],
)
def test_each_engine_is_asked_in_sql_it_can_read(text: str, engine: Engine) -> None:
    tree: Any = parse_one(translated(text, engine), dialect=engine.value)
    # Drivers find the kind of a table in the sixth column.
    assert "COLUMNS" in text or tree.named_selects[5] == "tableType"


def test_one_catalog_is_looked_into_if_one_is_named() -> None:
    assert "'other'" in translated("SHOW TABLES IN CATALOG other", Engine.DUCKDB)
    assert "table_cat = 'other'" in translated("SHOW TABLES IN CATALOG other", Engine.TRINO)


def test_a_schema_may_be_called_catalog() -> None:
    assert '"catalog"' in translated("SHOW TABLES IN `catalog`", Engine.DUCKDB)
    assert '"catalog"' in translated("SHOW TABLES IN catalog LIKE 'x'", Engine.DUCKDB)


def test_duckdb_lists_the_columns_of_one_table_only() -> None:
    for text in (
        "SHOW COLUMNS IN CATALOG lakehouse",
        "SHOW COLUMNS IN CATALOG lakehouse SCHEMA LIKE 's' TABLE LIKE 't*'",
    ):
        with pytest.raises(EngineRejected, match="one table at a time"):
            translated(text, Engine.DUCKDB)
    with pytest.raises(EngineRejected, match="one catalog"):
        translated("SHOW COLUMNS IN ALL CATALOGS", Engine.TRINO)


def test_trino_looks_for_a_plain_name_by_equality() -> None:
    text = "SHOW COLUMNS IN CATALOG c SCHEMA LIKE 'a.b' TABLE LIKE 't*'"
    found = translated(text, Engine.TRINO)
    assert "table_schem = 'a.b'" in found and "regexp_like(table_name" in found
