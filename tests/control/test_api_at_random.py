"""Every operation of the API document with generated requests: no 5xx, no answer off its schema.

schemathesis makes the requests from the document that is committed, the same ones every time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from control.db import Database
from control.deps import Deps
from control.limits import Limits
from control.openapi import openapi
from tests.control.make import create_job, put_file, run_now
from tests.control.serving import serving

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = 3
"""Of each operation, of requests that fit the document and of ones that do not, each."""
ENDLESS = ("/logs/stream", "/events")
"""What these answer goes on until the run has ended."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Attack:
    """Sends every operation's generated requests and keeps what went wrong."""

    def __init__(self, url: str, token: str, known: dict[str, Any]) -> None:
        """See class.

        Args:
            url: Of the API.
            token: A person's.
            known: Names of fields and what is really there under them, which every other request
                asks for.
        """
        self.schema = schemathesis.openapi.from_dict(openapi())
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}
        self.known = known
        self.cases = 0
        self.operations = 0
        self.failures: dict[str, str] = {}

    def run(self) -> None:
        """Attack all operations, one after another."""
        for each in self.schema.get_all_operations():
            operation: Any = each.ok()  # pyright: ignore[reportAttributeAccessIssue]
            if operation.path.endswith(ENDLESS):
                continue
            self.operations += 1
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                try:
                    self._attack(operation, mode)()
                except Unsatisfiable:
                    # Nothing that an operation without parameters is sent can be wrong.
                    assert mode is GenerationMode.NEGATIVE
                except BaseExceptionGroup as group:
                    self.failures[operation.label] = str(group)
                except Exception as error:
                    self.failures[operation.label] = f"{type(error).__name__}: {error}"

    def _attack(self, operation: Any, mode: GenerationMode) -> Callable[[], None]:
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attack(case: Any) -> None:
            self.cases += 1
            if self.cases % 2:
                self._aim(case)
            answer = case.call(base_url=self.url, headers=self.headers, timeout=30)
            case.validate_response(answer, checks=CHECKS, headers=self.headers)

        return attack

    def _aim(self, case: Any) -> None:
        for part in (case.path_parameters, case.query, case.body):
            if isinstance(part, dict):
                known = {name: self.known[name] for name in part if name in self.known}
                part.update({n: v for n, v in known.items() if type(v) is type(part[n])})


async def test_no_generated_request_breaks_the_api(
    api: httpx2.AsyncClient,
    deps: Deps,
    database: Database,
    token: str,
    record_property: Callable[[str, object], None],
) -> None:
    known = await _things(api, database)
    limits = Limits(requests_per_s=1e6, burst_requests=10**9)
    async with serving(replace(deps, limits=limits)) as url:
        attack = Attack(url, token, known)
        await asyncio.to_thread(attack.run)
    record_property(
        "printed", f"{attack.cases} generated requests to {attack.operations} operations"
    )
    told = "\n\n".join(f"{label}\n{text}" for label, text in attack.failures.items())
    assert not attack.failures, f"{len(attack.failures)} operations:\n{told}"
    assert attack.cases >= 3 * attack.operations


async def _things(api: httpx2.AsyncClient, database: Database) -> dict[str, Any]:
    """Make one of each and return what its fields are called in requests."""
    await put_file(database, "/jobs/main.py")
    job_id = await create_job(api)
    run_id = await run_now(api, job_id)

    async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await api.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    query = await made(
        "/api/2.0/sql/queries", {"query": {"display_name": "q", "query_text": "SELECT 1"}}
    )
    await made("/api/2.0/secrets/scopes/create", {"scope": "attacked"})
    await made("/api/2.0/secrets/put", {"scope": "attacked", "key": "k", "string_value": "v"})
    return {
        "job_id": job_id,
        "run_id": run_id,
        "task_run_id": run_id + 1,
        "query_id": query["id"],
        "warehouse_id": "duckdb",
        "scope": "attacked",
        "key": "k",
        "path": "/Shared",
        "version": 1,
    }
