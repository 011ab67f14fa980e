"""What DuckDB is held to on the lakehouse, in a SQL task and under dbt alike."""

MEMORY = "2GB"

STORED_AS = {
    "TINYINT": "INTEGER",
    "SMALLINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)",
    "HUGEINT": "BIGINT",
    "UHUGEINT": "DECIMAL(38,0)",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
}
"""Types of DuckDB that Iceberg lacks → where their values are stored; a value that does not fit is
an error, never cut. Trino's `sum` of bigints is a bigint, too."""
