"""Runs that are transactions, on a real catalog: made, worked on and followed without workflows."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pyarrow as pa
from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError
from pyiceberg.expressions import AlwaysTrue

from control.db import Database
from control.gateway.tokens import AttemptClaims
from control.gateway.upstream import Catalog
from control.jobs import store as jobs
from control.jobs.tables import SettingsSnapshot
from control.runs.tables import Run
from control.transactions import lifecycle, store
from control.transactions.context import Context
from control.transactions.landing import land
from control.transactions.opening import ensure_attempt_branch
from control.transactions.publishing import publish
from control.transactions.tables import AttemptBranch, Transaction
from spec.attempts import AttemptOutcome, AttemptResult, TaskRef
from spec.publish import ConflictPolicy, LandRequest, PublishOutcome, PublishRequest
from tests.gateway.conftest import Gateway
from tests.gateway.make import attempt_claims, principal_claims
from tests.gateway.opening import begin_attempt

GRAPH: dict[str, tuple[str, ...]] = {"a": (), "b": (), "c": (), "after_a": ("a",)}
"""Task → what it depends on."""


class Died(Exception):
    """What a fault point raises in place of a process that is killed."""


@dataclass
class Faults:
    """Lets the process die after a step, once."""

    steps: list[str] = field(default_factory=list)
    """Every step that was done."""
    die_at: int | None = None
    """Die when so many steps have been done."""

    async def done(self, step: str) -> None:
        self.steps.append(step)
        if self.die_at is not None and len(self.steps) == self.die_at:
            self.die_at = None
            raise Died(step)


def rows(*values: int) -> pa.Table:
    return pa.table({"x": pa.array(values, pa.int64())})


@dataclass
class Transacting:
    """One run and its attempts."""

    gateway: Gateway
    database: Database
    run_id: int
    context: Context
    faults: Faults
    ordinal: int = 0

    async def attempt(self, task_key: str, attempt: int = 0) -> AttemptClaims:
        """Open the next attempt; return its claims, which name its branch."""
        self.ordinal += 1
        claims = attempt_claims(
            self.ordinal, run_id=self.run_id, task_key=task_key, attempt=attempt
        )
        await begin_attempt(self.database, claims, patience_s=20)
        return await ensure_attempt_branch(self.context, claims)

    def lake(self, claims: AttemptClaims) -> IcebergCatalog:
        return self.gateway.pyiceberg(claims)

    def append(self, claims: AttemptClaims, table: str, *values: int) -> None:
        """Append rows to a table, which is made (with its namespace) if need be."""
        append(self.lake(claims), table, *values)

    async def land(self, claims: AttemptClaims) -> AttemptOutcome:
        return await land(self.context, self.landing(claims))

    def landing(self, claims: AttemptClaims) -> LandRequest:
        names = set(TaskRef.model_fields)
        return LandRequest(
            ref=TaskRef.model_validate(claims.model_dump(include=names)),
            outcome=AttemptOutcome(result=AttemptResult.SUCCESS),
        )

    async def work(self, task_key: str, **tables: int) -> AttemptClaims:
        """Let a task append one row to each table (`schema__name=row`), and land."""
        claims = await self.attempt(task_key)
        for name, value in tables.items():
            self.append(claims, name.replace("__", "."), value)
        outcome = await self.land(claims)
        assert outcome.result is AttemptResult.SUCCESS, outcome
        return claims

    def request(self, round_number: int = 1, **fields: Any) -> PublishRequest:
        values: dict[str, Any] = {"workspace_id": 1, "job_id": 5, "execution": 0}
        names: dict[str, Any] = {"run_id": self.run_id, "round": round_number}
        return PublishRequest(**values | names | fields)

    async def publish(
        self, round_number: int = 1, *, retry: bool = False, execution: int = 0
    ) -> PublishOutcome:
        policy = ConflictPolicy.RETRY_PUBLISH if retry else ConflictPolicy.FAIL
        request = self.request(round_number, conflict=policy, execution=execution)
        return await publish(self.context, request)

    async def end(self) -> None:
        async with self.database.session() as session:
            run = await session.get_one(Run, self.run_id)
            await lifecycle.run_ended(session, run)

    async def end_attempt(self, claims: AttemptClaims) -> None:
        async with self.database.session() as session:
            await lifecycle.attempt_ended(session, claims.task_run_id)

    async def reopen(self) -> None:
        async with self.database.session() as session:
            await lifecycle.reopen(session, self.run_id)

    async def transaction(self) -> Transaction:
        async with self.database.read_session() as session:
            found = await store.newest(session, self.run_id)
        assert found is not None
        return found

    async def branch(self, claims: AttemptClaims) -> AttemptBranch:
        async with self.database.read_session() as session:
            found = await store.branch_of(session, claims.task_run_id)
        assert found is not None
        return found


def append(lake: IcebergCatalog, table: str, *values: int) -> None:
    """Append rows to a table, which is made (with its namespace) if need be."""
    namespace = table.split(".")[0]
    try:
        lake.create_namespace(namespace)
    except NamespaceAlreadyExistsError:
        pass
    try:
        found = lake.load_table(table)
    except NoSuchTableError:
        found = lake.create_table(table, rows().schema)
    found.append(rows(*values))


def overwrite(lake: IcebergCatalog, table: str, *values: int) -> None:
    """Replace all rows of a table."""
    lake.load_table(table).overwrite(rows(*values), overwrite_filter=AlwaysTrue())


def read(lake: IcebergCatalog, table: str) -> list[int] | None:
    """Return the rows of a table, sorted; None when there is no such table."""
    try:
        return sorted(lake.load_table(table).scan().to_arrow()["x"].to_pylist())
    except NoSuchTableError:
        return None


_SCHEMA: dict[str, Any] = {
    "type": "struct",
    "schema-id": 0,
    "fields": [{"id": 1, "name": "x", "type": "long", "required": False}],
}


def touch(client: httpx2.Client, namespace: str, table: str, mark: str) -> None:
    """Leave a mark on a table, which is made (with its namespace) if need be."""
    client.post("/namespaces", json={"namespace": [namespace]})
    made = {"name": table, "schema": _SCHEMA, "stage-create": False, "properties": {}}
    client.post(f"/namespaces/{namespace}/tables", json=made)
    update = {"action": "set-properties", "updates": {"mark": mark}}
    body = {"requirements": [], "updates": [update]}
    answer = client.post(f"/namespaces/{namespace}/tables/{table}", json=body)
    assert answer.status_code == 200, answer.text


def touched(client: httpx2.Client, namespace: str, table: str) -> str | None:
    """Return the mark on a table; None when there is no such table."""
    answer = client.get(f"/namespaces/{namespace}/tables/{table}")
    return None if answer.status_code == 404 else answer.json()["metadata"]["properties"]["mark"]


async def make_run(database: Database, run_id: int, **publish_policy: Any) -> None:
    """Store a run of a job whose tasks are `GRAPH`, as admission would."""
    python = {"python_file": "/main.py"}
    settings: dict[str, Any] = {
        "name": "job",
        "tasks": [
            {
                "task_key": key,
                "spark_python_task": python,
                "depends_on": [{"task_key": each} for each in after],
            }
            for key, after in GRAPH.items()
        ],
    }
    if publish_policy.pop("publishes", True):
        settings["publish"] = publish_policy
    async with database.session() as session:
        snapshot = SettingsSnapshot(hash=f"{run_id}", settings=settings, files={})
        await jobs.keep_snapshot(session, snapshot)
        session.add(
            Run(
                run_id=run_id,
                workspace_id=1,
                job_id=5,
                run_name="job",
                run_type="JOB_RUN",
                trigger="ONE_TIME",
                creator="ada",
                life="RUNNING",
                settings_hash=snapshot.hash,
                created_at=attempt_claims().expires_at,
            )
        )


def transacting(gateway: Gateway, database: Database, catalog: Catalog, run_id: int) -> Transacting:
    """Return a run to work with."""
    faults = Faults()
    context = Context(database, catalog, faults.done)
    return Transacting(gateway, database, run_id, context, faults)


def somebody(gateway: Gateway, **fields: Any) -> IcebergCatalog:
    """A person's own client, on main."""
    return gateway.pyiceberg(principal_claims(**fields))
