"""Pages of lists with few and with many past runs; OpenLake only, by its API.

The past is made of copies of the stack's first run, in its own database: this is the last thing
that is measured on a stack, and never on one that somebody else uses.
"""

import asyncio
import time

from control.db import Database
from tests.bench.measures import Values
from tests.bench.subject import Subject, Work
from tests.bench.subjects.openlake import OpenLake
from tests.control.rows import fill

PAGES = {
    "runs_ms": ("/api/2.2/jobs/runs/list", {}),
    "ended_runs_ms": ("/api/2.2/jobs/runs/list", {"completed_only": "true"}),
    "active_runs_ms": ("/api/2.2/jobs/runs/list", {"active_only": "true"}),
    "empty_list_ms": ("/api/2.0/secrets/scopes/list", {}),
}
"""The last one does not grow: it is the machine's pace."""


def prepare(subject: Subject, size: int) -> None:
    """Fill the stack's table until it holds `size` runs of the past."""
    stack = _openlake(subject)
    stack.prepare(Work("chain", 1))
    stack.run(Work("chain", 1))
    asyncio.run(_fill(stack, size))


async def _fill(stack: OpenLake, size: int) -> None:
    database = Database.connect(stack.layout.postgres_url())
    try:
        await fill(database, stack.past_runs, size, ["runs"])
    finally:
        await database.dispose()
    stack.past_runs = size


def take(subject: Subject, size: int) -> Values:
    """Ask for the first page of each list once."""
    stack = _openlake(subject)
    values: Values = {}
    for name, (path, query) in PAGES.items():
        began = time.perf_counter()
        stack.get(path, **query)
        values[name] = (time.perf_counter() - began) * 1000
    return values


def _openlake(subject: Subject) -> OpenLake:
    assert isinstance(subject, OpenLake) and subject.is_ours, "only a stack of the harness's own"
    return subject
