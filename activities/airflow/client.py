"""Airflow's REST API v2, as far as following a DAG run needs it.

See Airflow 3's documentation "Airflow REST API". A person's name and password are exchanged for a
token at `/auth/token`, as the simple and the FAB auth manager offer it.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote as _quote

import httpx2

from activities.config import AirflowServer
from spec.errors import EngineRejected, EngineUnavailable

_PAGE = 100
"""Airflow's own limit, `[api] maximum_page_limit`."""
_OVERLAP = timedelta(seconds=10)
"""So far back a look for changes begins: rows are written a while before they can be seen."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FORBIDDEN = (401, 403)


class AirflowClient:
    """Speaks to one Airflow.

    Every method raises `EngineUnavailable` when it does not answer, and `EngineRejected` when it
    refuses who asks, or what is asked.

    Args:
        name: The connection's name, for messages.
        server: Where it is, and as whom to ask.
    """

    def __init__(self, name: str, server: AirflowServer) -> None:
        """See class."""
        self._name = name
        self._server = server
        self._token = server.token
        host = httpx2.URL(server.url).host
        self._http = httpx2.AsyncClient(
            base_url=server.url.rstrip("/"),
            timeout=httpx2.Timeout(30, connect=5),
            # A remote server may be behind a proxy, or a certificate authority of its own.
            trust_env=host not in _LOOPBACK,
        )

    @property
    def title(self) -> str:
        """Name it in messages."""
        return f"the Airflow '{self._name}' at {self._server.url}"

    def page_of(self, dag_id: str, run_id: str) -> str:
        """Return the address of a DAG run in Airflow's own console."""
        return f"{self._server.url.rstrip('/')}/dags/{quote(dag_id)}/runs/{quote(run_id)}"

    async def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Return a DAG, or None when there is none."""
        return await self._get(f"/dags/{quote(dag_id)}")

    async def leaves(self, dag_id: str) -> list[str]:
        """Return the tasks after which nothing comes."""
        answer = await self._get(f"/dags/{quote(dag_id)}/tasks") or {}
        return [
            task["task_id"] for task in answer.get("tasks", []) if not task["downstream_task_ids"]
        ]

    async def run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Return a DAG run, or None when there is none."""
        return await self._get(_run_path(dag_id, run_id))

    async def find(self, run_id: str) -> dict[str, Any] | None:
        """Return the DAG run of this id, whatever its DAG."""
        query = {"run_id_pattern": run_id, "limit": _PAGE}
        answer = await self._get("/dags/~/dagRuns", **query) or {}
        return next((run for run in answer["dag_runs"] if run["dag_run_id"] == run_id), None)

    async def trigger(self, dag_id: str, body: dict[str, Any]) -> bool:
        """Start a DAG run; False when one of its id, or of its logical date, is there already.

        Raises:
            EngineRejected: Airflow refuses it: no such DAG, or parameters that it does not take.
        """
        answer = await self._send("POST", f"/dags/{quote(dag_id)}/dagRuns", json=body)
        if answer.status_code == 409:
            return False
        if answer.is_error:
            raise EngineRejected(f"{self.title} refuses the DAG run: {_detail(answer)}")
        return True

    async def fail(self, dag_id: str, run_id: str, note: str) -> None:
        """Set a DAG run to failed: what waits is skipped, what runs is told to end."""
        body = {"state": "failed", "note": note}
        answer = await self._send("PATCH", _run_path(dag_id, run_id), json=body)
        if answer.is_error and answer.status_code != 404:
            raise EngineUnavailable(f"{self.title} does not stop the run: {_detail(answer)}")

    async def task_instances(
        self, dag_id: str, run_id: str, since: datetime | None = None
    ) -> tuple[list[dict[str, Any]], datetime | None]:
        """Return the latest tries of a DAG run's tasks, and from when on to ask the next time.

        Args:
            dag_id: The DAG.
            run_id: Its run.
            since: Only those that changed from then on, by Airflow's clock.
        """
        query: dict[str, Any] = {"limit": _PAGE, "order_by": "id"}
        if since is not None:
            query["updated_at_gte"] = since.isoformat()
        found: list[dict[str, Any]] = []
        asked: datetime | None = None
        while True:
            path = f"{_run_path(dag_id, run_id)}/taskInstances"
            answer = await self._send("GET", path, params={**query, "offset": len(found)})
            if answer.status_code == 404:
                return [], None
            if asked is None and "date" in answer.headers:
                asked = parsedate_to_datetime(answer.headers["date"]) - _OVERLAP
            page = self._content(answer)["task_instances"]
            found += page
            if len(page) < _PAGE:
                return found, asked

    async def tries(self, instance: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all tries of a task instance."""
        index = "" if instance["map_index"] < 0 else f"/{instance['map_index']}"
        answer = await self._get(f"{_instance_path(instance)}{index}/tries") or {}
        return answer.get("task_instances", [])

    async def returned(self, instance: dict[str, Any]) -> Any:
        """Return what a task instance returned (its XCom `return_value`), or None."""
        path = f"{_instance_path(instance)}/xcomEntries/return_value"
        answer = await self._get(path, map_index=instance["map_index"]) or {}
        return answer.get("value")

    async def log(self, instance: dict[str, Any]) -> str:
        """Return the log of a task instance's latest try; empty where there is none."""
        path = f"{_instance_path(instance)}/logs/{instance['try_number']}"
        query = {"full_content": True, "map_index": instance["map_index"]}
        answer = await self._send("GET", path, params=query)
        return "" if answer.is_error else answer.text

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _get(self, path: str, **query: Any) -> dict[str, Any] | None:
        answer = await self._send("GET", path, params=query)
        return None if answer.status_code == 404 else self._content(answer)

    def _content(self, answer: httpx2.Response) -> dict[str, Any]:
        try:
            answer.raise_for_status()
            return answer.json()
        except (httpx2.HTTPStatusError, ValueError) as error:
            raise EngineUnavailable(f"{self.title} answered: {_detail(answer)}") from error

    async def _send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Send with a token; one that has expired is fetched anew, once."""
        for renew in (False, True):
            if self._token is None or (renew and self._server.token is None):
                self._token = await self._sign_in()
            headers = {"Authorization": f"Bearer {self._token}"}
            answer = await self._once(method, f"/api/v2{path}", headers=headers, **request)
            if answer.status_code not in _FORBIDDEN:
                return answer
        raise EngineRejected(
            f"{self.title} does not allow this: {_detail(answer)}; check the connection's"
            " credentials in OPENLAKE_WORKER__AIRFLOW and what its user may do"
        )

    async def _sign_in(self) -> str:
        body = {"username": self._server.username, "password": self._server.password}
        answer = await self._once("POST", "/auth/token", json=body)
        if answer.is_error:
            raise EngineRejected(
                f"{self.title} gives no token to '{self._server.username}': {_detail(answer)};"
                " check the address (Airflow 3 is needed) and the password"
            )
        return str(self._content(answer)["access_token"])

    async def _once(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            answer = await self._http.request(method, path, **request)
        except httpx2.TransportError as error:
            reason = str(error) or type(error).__name__
            raise EngineUnavailable(f"{self.title} does not answer: {reason}") from error
        if answer.is_server_error or answer.status_code == 429:
            raise EngineUnavailable(f"{self.title} is not well: {_detail(answer)}")
        return answer


def quote(name: str) -> str:
    """Spell a name as one part of a path."""
    return _quote(name, safe="")


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def _instance_path(instance: dict[str, Any]) -> str:
    run = _run_path(instance["dag_id"], instance["dag_run_id"])
    return f"{run}/taskInstances/{quote(instance['task_id'])}"


def _detail(answer: httpx2.Response) -> str:
    """Return what an answer says is wrong, as one short text."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200] or answer.reason_phrase
    return f"{detail} ({answer.status_code})"[:500]
