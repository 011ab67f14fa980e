# pyright: reportMissingImports=false, reportUndefinedVariable=false, reportFunctionMemberAccess=false
# ruff: noqa: F821
"""One DAG of Airflow; the harness puts the lines above it that say what it does.

`DAG_ID`, `SHAPE`, `SIZE`, `SECONDS`, `LEDGER`: as in `Work` of the harness.
"""

from datetime import timedelta
from itertools import pairwise

from airflow.sdk import DAG, task
from step import step

with DAG(DAG_ID, schedule=None):

    @task(retries=1, retry_delay=timedelta(0))
    def do(key, run_id=None):
        """Run the user code."""
        step(LEDGER, str(run_id), str(key), str(SECONDS))

    steps = [do.override(task_id=f"t{key}")(key) for key in range(SIZE)]
    if SHAPE == "chain":
        for before, after in pairwise(steps):
            before.set_downstream(after)
