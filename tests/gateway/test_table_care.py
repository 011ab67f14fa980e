"""Files go when no branch and no kept moment needs them, on a real catalog and object store."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pyarrow as pa
import pytest
from pydantic import SecretStr

from control.db import Database
from control.gateway.identity import Identity
from control.gateway.upstream import Catalog
from control.stack.layout import Layout
from control.table_care import sweep as sweeping
from control.table_care.files import File, LakeFiles
from control.table_care.sweep import Order, Report, Sweeper
from spec.errors import Invalid, Unavailable
from spec.table_care_figures import Step
from tests.gateway.conftest import Gateway
from tests.gateway.make import principal_claims

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HISTORY, GRACE = timedelta(days=30), timedelta(hours=72)
BOTH = frozenset((Step.EXPIRE_SNAPSHOTS, Step.REMOVE_ORPHAN_FILES))
_attempts = itertools.count(1 << 40)


class Lake:
    """Tables in a schema of their own, and what is to be seen of them."""

    def __init__(self, gateway: Gateway, database: Database, catalog: Catalog, schema: str) -> None:
        self.gateway = gateway
        self.schema = schema
        self.files = LakeFiles(gateway.layout.s3("root"), "lakehouse")
        self.sweeper = Sweeper(database, catalog, self.files)
        self.main = gateway.pyiceberg(principal_claims())
        self.main.create_namespace(schema)

    def make(self, name: str, *values: int) -> Any:
        rows = numbers(*values)
        table = self.main.create_table(f"{self.schema}.{name}", schema=rows.schema)
        table.append(rows)
        return table

    def rows(self, name: str, ref: str = "main") -> list[int]:
        """Read a table to its last byte, as a branch or an old commit has it."""
        catalog = self.gateway.pyiceberg(principal_claims(branch=ref))
        return sorted(
            catalog.load_table(f"{self.schema}.{name}").scan().to_arrow()["x"].to_pylist()
        )

    async def keys(self, table: Any) -> set[str]:
        folder = table.location().removeprefix("s3://lakehouse/") + "/"
        return {file.key async for page in self.files.below(folder) for file in page}

    def plant(self, table: Any, name: str) -> str:
        """Put a file into a table's folder that no commit names."""
        address = f"{table.location()}/data/{name}"
        with self.files.io.new_output(address).create() as stream:
            stream.write(b"left behind")
        return address.removeprefix("s3://lakehouse/")

    def order(self, cutoff: datetime, **changes: Any) -> Order:
        """An order whose history begins at the cutoff."""
        values: dict[str, Any] = {
            "task_run_id": next(_attempts),
            "began_at": cutoff + HISTORY,
            "patterns": (f"{self.schema}.*",),
            "history": HISTORY,
            "grace": GRACE,
            "steps": BOTH,
        }
        return Order(**values | changes)

    async def sweep(self, order: Order) -> Report:
        return await self.sweeper.sweep(order, print)


_schemas = itertools.count()


@pytest.fixture
def lake(gateway: Gateway, database: Database, catalog: Catalog) -> Lake:
    return Lake(gateway, database, catalog, f"care_{next(_schemas)}")


@pytest.fixture
def branch(layout: Layout) -> Callable[..., str]:
    """Make a branch as a run's is made, or drop it; returns the commit it begins at."""

    def change(name: str, *, drop: bool = False) -> str:
        identity = Identity(SecretStr(layout.secret("nessie-key")))
        with httpx2.Client(base_url=layout.nessie_url, headers=identity.headers()) as nessie:
            source = "main" if not drop else name
            reference = nessie.get(f"/api/v2/trees/{source}").json()["reference"]
            if drop:
                nessie.delete(f"/api/v2/trees/{name}@{reference['hash']}").raise_for_status()
            else:
                nessie.post(
                    f"/api/v2/trees?name={name}&type=BRANCH", json=reference
                ).raise_for_status()
            return reference["hash"]

    return change


def numbers(*values: int) -> pa.Table:
    return pa.table({"x": pa.array(values, pa.int64())})


async def moment() -> datetime:
    """A moment that what comes next is surely after."""
    now = datetime.now(UTC)
    # Object stores tell times in whole milliseconds.
    await asyncio.sleep(0.005)
    return now + timedelta(milliseconds=2)


def deleted(report: Report, step: Step) -> dict[str, int]:
    return {row.table.split(".")[-1]: row.deleted for row in report.rows if row.step is step}


async def test_a_kept_branch_and_the_history_lose_nothing_and_the_rest_goes(
    lake: Lake, branch: Callable[..., str]
) -> None:
    first = lake.make("kept_elsewhere", 1)
    branch(f"{lake.schema}-run")
    first.overwrite(numbers(2))
    second = lake.make("in_history", 10)
    expired = await lake.keys(second)
    second.overwrite(numbers(11))
    then = branch(f"{lake.schema}-then")
    cutoff = await moment()
    branch(f"{lake.schema}-then", drop=True)
    second.append(numbers(12))
    orphan = lake.plant(second, "orphan.parquet")

    told = await lake.sweep(lake.order(cutoff, dry_run=True))
    everything = await lake.keys(second)
    assert orphan in everything
    done = await lake.sweep(lake.order(cutoff))

    assert done.rows == told.rows and not done.left_alone
    assert deleted(done, Step.REMOVE_ORPHAN_FILES) == {"kept_elsewhere": 0, "in_history": 1}
    left = await lake.keys(second)
    assert orphan not in left
    gone = everything - left - {orphan}
    assert {key.rpartition(".")[2] for key in gone & expired} == {"parquet", "avro", "json"}
    assert deleted(done, Step.EXPIRE_SNAPSHOTS)["in_history"] == len(gone)
    assert lake.rows("kept_elsewhere") == [2]
    assert lake.rows("kept_elsewhere", f"{lake.schema}-run") == [1]
    assert lake.rows("in_history") == [11, 12]
    assert lake.rows("in_history", f"main@{then}") == [11]

    again = await lake.sweep(lake.order(cutoff))
    assert [row.deleted for row in again.rows] == [0, 0, 0, 0]
    assert [row.after for row in again.rows[1::2]] == [row.after for row in done.rows[1::2]]

    # When the branch has gone, so may what only it needed.
    before = await lake.keys(first)
    branch(f"{lake.schema}-run", drop=True)
    last = await lake.sweep(lake.order(cutoff))
    assert deleted(last, Step.EXPIRE_SNAPSHOTS)["kept_elsewhere"] == len(
        before - await lake.keys(first)
    )
    assert deleted(last, Step.EXPIRE_SNAPSHOTS)["kept_elsewhere"] > 0
    assert lake.rows("kept_elsewhere") == [2]


async def test_what_is_young_stays(lake: Lake) -> None:
    table = lake.make("young", 1)
    planted = lake.plant(table, "being-written.parquet")
    now = datetime.now(UTC)
    young = lake.order(now, began_at=now + GRACE - timedelta(minutes=1))
    assert {row.deleted for row in (await lake.sweep(young)).rows} == {0}
    assert planted in await lake.keys(table)


async def test_each_step_alone_deletes_only_its_own(lake: Lake) -> None:
    table = lake.make("steps", 1)
    table.overwrite(numbers(2))
    cutoff = await moment()
    orphan = lake.plant(table, "orphan.parquet")
    orphans = frozenset((Step.REMOVE_ORPHAN_FILES,))
    (row,) = (await lake.sweep(lake.order(cutoff, steps=orphans))).rows
    assert (row.step, row.deleted) == (Step.REMOVE_ORPHAN_FILES, 1)
    assert orphan not in await lake.keys(table)
    orphan = lake.plant(table, "orphan.parquet")
    (row,) = (await lake.sweep(lake.order(cutoff, steps=frozenset((Step.EXPIRE_SNAPSHOTS,))))).rows
    assert row.deleted > 0
    assert (row.before.snapshots, row.after.snapshots) == (3, 1)
    assert orphan in await lake.keys(table)
    assert lake.rows("steps") == [2]


async def test_killed_in_the_middle_it_ends_as_it_would_have(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.make("cut_off", 0)
    for value in range(1, 5):
        table.overwrite(numbers(value))
    cutoff = await moment()
    told = await lake.sweep(lake.order(cutoff, dry_run=True))

    monkeypatch.setattr(sweeping, "BATCH", 4)
    order, calls, delete = lake.order(cutoff), itertools.count(1), lake.files.delete
    deaths = {2: "before", 4: "after"}

    async def dying(keys: list[str]) -> None:
        death = deaths.pop(next(calls), None)
        if death != "before":
            await delete(keys)
        if death is not None:
            raise Unavailable("killed")

    monkeypatch.setattr(lake.files, "delete", dying)
    for _ in range(2):
        with pytest.raises(Unavailable, match="killed"):
            await lake.sweep(order)
        assert lake.rows("cut_off") == [4]
    done = await lake.sweep(order)
    assert done.rows == told.rows and done.rows[0].deleted > 8
    assert lake.rows("cut_off") == [4]


async def test_a_dropped_table_goes_when_its_history_has_passed(lake: Lake) -> None:
    table = lake.make("dropped", 1)
    lake.make("stays", 1)
    lake.main.drop_table(f"{lake.schema}.dropped")
    within = lake.order(datetime.now(UTC) - HISTORY)
    assert {row.deleted for row in (await lake.sweep(within)).rows} == {0}
    report = await lake.sweep(lake.order(await moment()))
    assert deleted(report, Step.EXPIRE_SNAPSHOTS)["dropped"] > 0
    assert await lake.keys(table) == set()
    assert lake.rows("stays") == [1]


async def test_a_table_that_has_lost_a_file_is_left_alone_and_named(lake: Lake) -> None:
    broken, sound = lake.make("broken", 1), lake.make("sound", 1)
    kept = lake.plant(broken, "perhaps-needed.parquet")
    orphan = lake.plant(sound, "orphan.parquet")
    manifest = broken.current_snapshot().manifest_list.removeprefix("s3://lakehouse/")
    await lake.files.delete([manifest])
    report = await lake.sweep(lake.order(await moment()))
    assert list(report.left_alone) == [f"{lake.schema}.broken"]
    assert kept in await lake.keys(broken) and orphan not in await lake.keys(sound)


async def test_only_chosen_tables_are_swept(lake: Lake) -> None:
    one, other = lake.make("one", 1), lake.make("other", 1)
    orphans = [lake.plant(table, "orphan.parquet") for table in (one, other)]
    order = lake.order(await moment(), patterns=(f"{lake.schema}.one",))
    assert [row.table for row in (await lake.sweep(order)).rows] == [f"{lake.schema}.one"] * 2
    assert orphans[0] not in await lake.keys(one) and orphans[1] in await lake.keys(other)
    with pytest.raises(Invalid, match=r"no table 'nowhere\.t' on any branch"):
        await lake.sweep(lake.order(await moment(), patterns=("nowhere.t",)))


def test_files_are_told_apart_by_name() -> None:
    now = datetime.now(UTC)
    names = ("metadata/snap-1-2.avro", "metadata/m0.avro", "data/snap-1.avro", "data/a.parquet")
    figures = [File(f"s/t/{name}", 7, now).figures.cells for name in names]
    assert figures == [(1, 7, 0, 1), (1, 7, 1, 0), (1, 7, 0, 0), (1, 7, 0, 0)]
