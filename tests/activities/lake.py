"""Attempts on a real lakehouse: opened at the gateway, with its tokens."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.config import WorkerConfig
from control.db import Database
from control.gateway.tokens import AttemptClaims, issue
from control.stack.layout import Layout
from spec.attempts import AttemptWork, CatalogAccess, Program, StorageAccess
from spec.tasks import Engine
from tests.activities.fakes import make_ref, make_work
from tests.gateway.opening import begin_attempt

_runs = itertools.count(1000)


class Lake:
    """A running stack of object store, catalog and gateway."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def worker(self, config: WorkerConfig) -> WorkerConfig:
        """Tell the worker where this stack is."""
        return dataclasses.replace(
            config,
            java_home=self.layout.java_home_21,
            spark_jars=self.layout.spark_jars,
            dbt_python=self.layout.dbt_python,
            trino_url=self.layout.trino_url,
        )

    async def open(self, engine: Engine, program: Program, **changes: Any) -> AttemptWork:
        """Open a new attempt of a new run."""
        run_id = next(_runs) << 20
        ref = make_ref(engine=engine, run_id=run_id, task_run_id=run_id + 1)
        claims = AttemptClaims(
            **ref.model_dump(include=set(AttemptClaims.model_fields)),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
        database = Database.connect(self.layout.postgres_url("openlake"), pool_size=1)
        try:
            await begin_attempt(database, claims, patience_s=20)
        finally:
            await database.dispose()
        s3 = self.layout.s3("lakehouse")
        catalog = CatalogAccess(
            uri=self.layout.gateway_iceberg_url,
            token=issue(self.layout.secret("signing-key"), claims),
        )
        storage = StorageAccess(**dataclasses.asdict(s3))
        return make_work(ref, program, **{"catalog": catalog, "storage": storage} | changes)
