"""A database of the harness, outside the stack, in which tasks write down that they begin and end.

No fault is ever aimed at it, so what it holds is what really happened.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg2

from tests.control.postgres import postgres

_TABLE = """
CREATE TABLE witness (
    number bigserial PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id bigint NOT NULL,
    task_run_id bigint NOT NULL,
    task_key text NOT NULL,
    event text NOT NULL,
    pid int NOT NULL
)
"""


@dataclass(frozen=True)
class Seen:
    """One thing a task's code did, at the witness's own time."""

    number: int
    at: datetime
    run_id: int
    task_run_id: int
    task_key: str
    event: str
    """`begin` or `end`."""


@dataclass(frozen=True)
class Witness:
    """Where tasks write, as a libpq URL."""

    url: str

    def seen(self, after: int) -> list[Seen]:
        """Return what was seen after a number, in order."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT number, at, run_id, task_run_id, task_key, event FROM witness"
                " WHERE number > %s ORDER BY number",
                (after,),
            )
            return [Seen(*row) for row in cursor.fetchall()]

    def last(self) -> int:
        """Return the number of the newest entry; 0 when there is none."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(number), 0) FROM witness")
            [number] = cursor.fetchall()[0]
            return int(number)


@contextmanager
def witness() -> Iterator[Witness]:
    """Run one; it is gone afterwards."""
    with postgres() as url:
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(_TABLE)
        yield Witness(url)
