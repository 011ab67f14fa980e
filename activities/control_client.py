"""Client of the internal API: where an engine worker gets its work and leaves what came of it."""

from types import TracebackType
from typing import Any, Self

import httpx2

from spec.attempts import AttemptOutput, AttemptRef, AttemptWork, LogTail
from spec.errors import (
    AttemptOver,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OpenLakeError,
    Unauthenticated,
    Unavailable,
)
from spec.statements import (
    StatementEnd,
    StatementHold,
    StatementOrders,
    StatementProgress,
    StatementRef,
    StatementWork,
    Upload,
    UploadOrder,
)
from spec.warehouses import WarehouseConfig

_ERRORS: dict[int, type[OpenLakeError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


class ControlClient:
    """Speaks to the internal API; every call may be repeated.

    Every method raises `Unavailable` when the API cannot be reached, `AttemptOver` when the attempt
    has ended elsewhere, and another `OpenLakeError` when the API refuses.

    Args:
        url: Base URL of the control API.
        token: The worker's token.
    """

    def __init__(self, url: str, token: str) -> None:
        """See class."""
        self._http = httpx2.AsyncClient(
            base_url=f"{url.rstrip('/')}/internal/1.0",
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx2.Timeout(60, connect=5),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def open(self, ref: AttemptRef, host: str) -> AttemptWork:
        """Open the attempt, or open it again, and get all that its work needs."""
        body = {"host": host, "ref": ref.model_dump(mode="json")}
        answer = await self._call("POST", f"/attempts/{ref.task_run_id}/open", json=body)
        return AttemptWork.model_validate_json(answer.content)

    async def warehouse(self, place: str) -> WarehouseConfig:
        """Return what a process of the warehouse at this place must know."""
        answer = await self._call("GET", f"/warehouses/{place}")
        return WarehouseConfig.model_validate_json(answer.content)

    async def blob(self, sha256: str) -> bytes:
        """Return the content that has this hash."""
        return (await self._call("GET", f"/blobs/{sha256}")).content

    async def log_tail(self, task_run_id: int) -> LogTail:
        """Return how much of the attempt's log has arrived."""
        answer = await self._call("GET", f"/attempts/{task_run_id}/logs")
        return LogTail.model_validate_json(answer.content)

    async def append_log(
        self, task_run_id: int, offset: int, chunk: bytes, *, final: bool = False
    ) -> LogTail:
        """Append to the log; when `offset` is not its size, only return how much has arrived.

        Less than the chunk may be taken, unless it is the `final` one: what may be the beginning of
        a secret must come again with what follows it.
        """
        answer = await self._call(
            "PUT",
            f"/attempts/{task_run_id}/logs",
            params={"offset": offset, "final": final},
            content=chunk,
            headers={"Content-Type": "application/octet-stream"},
        )
        return LogTail.model_validate_json(answer.content)

    async def redact(self, task_run_id: int, text: str) -> str:
        """Return text without the secrets that the attempt was given."""
        answer = await self._call("POST", f"/attempts/{task_run_id}/redact", json={"text": text})
        return str(answer.json()["text"])

    async def add_lineage(self, task_run_id: int, events: list[Any]) -> None:
        """Hand over OpenLineage events, as JSON objects."""
        await self._call("POST", f"/attempts/{task_run_id}/lineage", json=events)

    async def put_output(self, task_run_id: int, output: AttemptOutput) -> None:
        """Store what the attempt left."""
        await self._call(
            "PUT", f"/attempts/{task_run_id}/output", json=output.model_dump(mode="json")
        )

    async def put_artifacts(self, task_run_id: int, content: bytes) -> None:
        """Store the archive of what the work left for people."""
        await self._call(
            "PUT",
            f"/attempts/{task_run_id}/artifacts",
            content=content,
            headers={"Content-Type": "application/gzip"},
        )

    async def open_statement(self, ref: StatementRef) -> StatementWork:
        """Take a statement up, and get all that running it needs; each call is an attempt."""
        path = f"/statements/{ref.statement_id}/open"
        answer = await self._call("POST", path, json=ref.model_dump(mode="json"))
        return StatementWork.model_validate_json(answer.content)

    async def take_statement(self, place: str) -> StatementWork | None:
        """Wait for a statement of the warehouse at a place and take it up; None if none came."""
        answer = await self._call("POST", f"/statements/at/{place}/take")
        return (
            None if answer.content == b"null" else StatementWork.model_validate_json(answer.content)
        )

    async def renew_statement(self, statement_id: str, hold: StatementHold) -> StatementOrders:
        """Say that a statement that was taken so is still worked on; returns after seconds."""
        body = hold.model_dump(mode="json")
        answer = await self._call("PUT", f"/statements/{statement_id}/hold", json=body)
        return StatementOrders.model_validate_json(answer.content)

    async def let_statement_go(self, statement_id: str, hold: StatementHold) -> None:
        """Hand a statement on that was taken so: this process can do no more for it."""
        await self._call("DELETE", f"/statements/{statement_id}/hold/{hold.attempt}")

    async def note_statement(self, statement_id: str, progress: StatementProgress) -> None:
        """Write down by what another worker can go on with a statement."""
        body = progress.model_dump(mode="json")
        await self._call("PUT", f"/statements/{statement_id}/progress", json=body)

    async def upload_for(self, statement_id: str, order: UploadOrder) -> Upload:
        """Return where a chunk of a statement's rows may be put."""
        body = order.model_dump(mode="json")
        answer = await self._call("POST", f"/statements/{statement_id}/uploads", json=body)
        return Upload.model_validate_json(answer.content)

    async def end_statement(self, statement_id: str, end: StatementEnd) -> None:
        """Report how a statement ended."""
        body = end.model_dump(mode="json")
        await self._call("PUT", f"/statements/{statement_id}/end", json=body)

    async def _call(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            answer = await self._http.request(method, path, **request)
        except httpx2.TransportError as error:
            raise Unavailable(
                f"The internal API at {self._http.base_url} does not answer: "
                f"{error or type(error).__name__}"
            ) from error
        if answer.status_code >= 400:
            raise _refusal(answer, f"{method} {path}")
        return answer


def _refusal(answer: httpx2.Response, call: str) -> OpenLakeError:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        body = {}
    message = f"The internal API refused {call}: {body.get('message') or answer.status_code}"
    if body.get("error_code") == AttemptOver.code:
        return AttemptOver(message)
    if answer.status_code >= 500 or answer.status_code == 429:
        return Unavailable(message)
    return _ERRORS.get(answer.status_code, Invalid)(message)
