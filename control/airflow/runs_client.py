"""Runs tasks of an OpenLake job over its REST API; the standard library is enough.

The part below the mark is copied into every DAG file, so that nothing must be installed beside
Airflow: it may use nothing of OpenLake's.
"""

# --- copied from here ---
import hashlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

_OVER = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
_GOOD = ("SUCCESS", "SUCCESS_WITH_FAILURES")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 15.0
_TIMEOUT_S = 60
_MOST_LINES = 1000
"""Of each task's log that are copied into Airflow's; all of it stays in OpenLake."""


class Refused(Exception):
    """OpenLake says no, and would say it again."""


class Runs:
    """Starts, follows and cancels runs of one job.

    Args:
        address: Of OpenLake, e.g. `https://openlake.example`.
        token: A personal access token.
        job_id: The job.
        say: Takes lines for Airflow's log.
    """

    def __init__(self, address: str, token: str, job_id: int, say: Callable[[str], None]) -> None:
        """See class."""
        self._address = address.rstrip("/")
        self._token = token
        self._job_id = job_id
        self._say = say

    def start(self, key: str, only: list[str] | None, parameters: dict[str, str]) -> int:
        """Start a run unless one was started under this key; return its id.

        Args:
            key: Names the try; the same key never makes a second run.
            only: The tasks to run; None is all of them.
            parameters: Job parameters that are not to have their defaults.
        """
        body: dict[str, Any] = {
            "job_id": self._job_id,
            "idempotency_token": hashlib.sha256(key.encode()).hexdigest(),
            "job_parameters": parameters,
            "queue": {"enabled": True},
        }
        if only is not None:
            body["only"] = only
        return int(self._persist("POST", "/api/2.2/jobs/run-now", body)["run_id"])

    def follow(self, run_id: int) -> dict[str, Any]:
        """Wait for a run's end and say what its tasks logged; return its id and address.

        Raises:
            RuntimeError: it did not succeed; the message says which tasks and why.
        """
        pause, said = _FIRST_PAUSE_S, ""
        while True:
            run = self._read(run_id)
            state = run["state"]
            now = f"{state['life_cycle_state']} {state.get('state_message') or ''}".strip()
            if now != said:
                self._say(f"OpenLake run {run_id}: {now} {run.get('run_page_url', '')}")
                said = now
            if state["life_cycle_state"] in _OVER:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        reasons = [self._tell(task) for task in run.get("tasks", []) if task.get("run_id")]
        if state.get("result_state") not in _GOOD:
            why = "; ".join(reason for reason in reasons if reason)
            how = state.get("result_state") or state["life_cycle_state"]
            what = why or state.get("state_message") or "no task says why"
            raise RuntimeError(f"OpenLake run {run_id} {how}: {what} {run.get('run_page_url', '')}")
        return {"run_id": run_id, "run_page_url": run.get("run_page_url", "")}

    def cancel(self, run_id: int) -> None:
        """Stop a run; one that has ended is left alone."""
        try:
            self._send("POST", "/api/2.2/jobs/runs/cancel", {"run_id": run_id})
        except (OSError, Refused) as error:
            self._say(f"OpenLake run {run_id} could not be cancelled: {error}")

    def _read(self, run_id: int) -> dict[str, Any]:
        """Return a run with all of its tasks."""
        path = f"/api/2.2/jobs/runs/get?run_id={run_id}"
        run = self._persist("GET", path)
        page = run
        while page.get("next_page_token"):
            token = urllib.parse.quote(page["next_page_token"], safe="")
            page = self._persist("GET", f"{path}&page_token={token}")
            run.setdefault("tasks", []).extend(page.get("tasks", []))
        return run

    def _tell(self, task: dict[str, Any]) -> str:
        """Say what a task logged; return why it failed, or nothing."""
        log = self._ask("GET", f"/api/openlake/1.0/task-runs/{task['run_id']}/logs")
        for line in log.decode("utf-8", "replace").splitlines()[-_MOST_LINES:]:
            self._say(f"{task['task_key']} | {line}")
        if task["state"].get("result_state") in (*_GOOD, None):
            return ""
        output = self._persist("GET", f"/api/2.2/jobs/runs/get-output?run_id={task['run_id']}")
        reason = output.get("error") or task["state"].get("state_message") or "it failed"
        return f"task '{task['task_key']}': {reason}"

    def _persist(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return json.loads(self._ask(method, path, body))

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        """Ask until there is an answer: the run goes on, whatever is down meanwhile."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                return self._send(method, path, body)
            except OSError as error:
                self._say(f"OpenLake does not answer ({error}); asked again in {pause:.0f} s")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _send(self, method: str, path: str, body: Any = None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                return answer.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            if error.code >= 500 or error.code == 429:
                raise OSError(f"{error.code} {text[:200]}") from error
            try:
                text = json.loads(text)["message"]
            except (ValueError, KeyError, TypeError):
                text = text[:500]
            raise Refused(f"OpenLake refuses: {text} ({error.code})") from error
