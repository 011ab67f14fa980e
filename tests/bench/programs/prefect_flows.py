# pyright: reportMissingImports=false, reportFunctionMemberAccess=false
"""The flows of Prefect; this is read by Prefect's Python: `prefect_flows.py serve|deploy`."""

import sys
from pathlib import Path

from prefect import flow, serve, task
from prefect.runtime import flow_run
from step import step

POOL = "bench"


@task
def do(ledger: str, run: str, key: int, seconds: float) -> None:
    """Run the user code."""
    step(ledger, run, str(key), str(seconds))


@flow
def chain(ledger: str, size: int, seconds: float) -> None:
    """Do one step after the other."""
    for key in range(size):
        do(ledger, flow_run.id, key, seconds)


@flow
def wide(ledger: str, size: int, seconds: float) -> None:
    """Do all steps side by side."""
    run = flow_run.id
    for future in [do.submit(ledger, run, key, seconds) for key in range(size)]:
        future.result()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*(each.to_deployment("bench") for each in (chain, wide)))
    else:
        for name in ("chain", "wide"):
            here = Path(__file__)
            flow.from_source(str(here.parent), f"{here.name}:{name}").deploy(
                "bench", work_pool_name=POOL
            )
