"""What every Python task of the workload does; uploaded as it is, so it imports nothing of ours.

Tells the witness that it begins, prints numbered lines, appends to a table if one is named, tells
the witness that it ends. Words: URL of the witness, seconds to take, lines to print, table or `-`,
`spark` or `-`.
"""

import os
import sys
import time
from contextlib import closing

import psycopg2

URL, SECONDS, LINES, TABLE, ENGINE = sys.argv[1:6]
RUN_ID, TASK_RUN_ID = int(os.environ["OPENLAKE_RUN_ID"]), int(os.environ["OPENLAKE_TASK_RUN_ID"])


def tell(event: str) -> None:
    """Write one thing down, in a transaction of its own."""
    row = (RUN_ID, TASK_RUN_ID, os.environ["OPENLAKE_TASK_KEY"], event, os.getpid())
    with closing(psycopg2.connect(URL)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO witness (run_id, task_run_id, task_key, event, pid)"
            " VALUES (%s, %s, %s, %s, %s)",
            row,
        )


def append(table: str) -> None:
    """Append one row, without looking whether it is there."""
    import pyarrow as pa
    from pyiceberg.catalog import load_catalog

    row = pa.table({"run_id": pa.array([RUN_ID], pa.int64())})
    load_catalog("lakehouse").load_table(table).append(row)


def count_on_spark() -> None:
    """Let Spark do a little."""
    from pyspark.sql import SparkSession

    assert SparkSession.builder.getOrCreate().range(1000).count() == 1000


tell("begin")
for number in range(1, int(LINES) + 1):
    print(f"line {number} of {LINES}")
    time.sleep(float(SECONDS) / int(LINES))
if ENGINE == "spark":
    count_on_spark()
if TABLE != "-":
    append(TABLE)
tell("end")
