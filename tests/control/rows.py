"""Fills tables with copies of their first row, to see what a long past costs."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from control.db import Database

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = ("jobs", "runs", "statements", "audit_log")


async def fill(database: Database, first: int, last: int, tables: Sequence[str] = TABLES) -> None:
    """Copy the first row of each table; the n-th run begins n seconds after the first one."""
    created = f"TIMESTAMPTZ '{BEGAN.isoformat()}' + n * INTERVAL '1 second'"
    copies = {
        "jobs": {"job_id": "1000000 + n", "name": "'flights ' || n"},
        "runs": {
            "run_id": "CAST(1000000 + n AS bigint) << 20",
            "job_id": "CASE n % 10 WHEN 0 THEN r.job_id ELSE 1000000 + n % 1000 END",
            "created_at": created,
            "started_at": created,
            "ended_at": created,
        },
        "statements": {
            "statement_id": "'01900000-0000-7000-8000-' || lpad(to_hex(n + 1), 12, '0')",
            "created_at": created,
        },
        "audit_log": {"audit_id": "1000000 + n"},
    }
    keys = {
        "jobs": "job_id",
        "runs": "run_id",
        "statements": "statement_id",
        "audit_log": "audit_id",
    }
    async with database.session() as session:
        connection = await session.connection()
        for table in tables:
            given = copies[table]
            names = await connection.execute(
                text("SELECT column_name FROM information_schema.columns WHERE table_name = :t"),
                {"t": table},
            )
            columns = [str(row[0]) for row in names]
            values = ", ".join(given.get(column, f"r.{column}") for column in columns)
            oldest = f"SELECT * FROM {table} ORDER BY {keys[table]} LIMIT 1"
            await connection.execute(
                text(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"
                    f" FROM ({oldest}) r, generate_series({first}, {last - 1}) n"
                )
            )
    # As autovacuum would, a little later.
    async with database.engine.connect() as raw:
        await raw.execution_options(isolation_level="AUTOCOMMIT")
        await raw.execute(text(f"VACUUM ANALYZE {', '.join(tables)}"))
