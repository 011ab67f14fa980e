"""The one exception family of OpenLake.

    OpenLakeError
    ├── Invalid               400  the request or file is wrong; says where and what to do
    │   ├── InvalidFile            a YAML file or bundle, with every mistake and its place
    │   └── TooLarge          413  more bytes than the server takes
    ├── Unauthenticated       401  no token, or one that is unknown or expired
    ├── Forbidden             403  known, but not allowed
    ├── NotFound              404  no such object in this workspace
    ├── Conflict              409  the object changed or exists already
    │   └── AttemptOver            the attempt has ended; its worker stops
    ├── Exhausted             429  a limit is reached that will have room again; try later
    ├── Unavailable           503  a part of the stack cannot be reached; try again
    ├── NotOffered            501  Databricks has it, OpenLake does not; says what there is instead
    ├── EngineRejected        400  the user's work is at fault: never retried by itself
    │   └── LibraryInstallationFailed  its libraries cannot be installed
    └── EngineUnavailable     503  the engine cannot be reached: safe to ask again

Each class owns its wire `code` (Databricks' `error_code`), its HTTP `status` and whether trying
again may help. `control.errors` renders them over HTTP and `activities.interceptor` for Temporal;
nobody else reads those attributes.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class OpenLakeError(Exception):
    """Base of every error OpenLake raises on purpose.

    Args:
        message: What was wrong, where, and what to do; one or two sentences.
        facts: Typed facts for programs (ids, names, limits); shown in `details`.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, /, **facts: Any) -> None:
        """See class."""
        super().__init__(message)
        self.message = message
        self.facts = facts


class Invalid(OpenLakeError):
    """The request, or the file it came from, breaks a rule."""

    code = "INVALID_PARAMETER_VALUE"
    status = 400


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file."""

    file: str
    line: int
    """From 1, as editors count."""
    column: int
    path: str
    """What the place belongs to, e.g. `resources.jobs.flights.tasks[2].sql_task`; may be empty."""
    message: str
    """The reason, and what to do."""

    def __str__(self) -> str:
        """Spell it as compilers do, so that editors can jump to the place."""
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.message}"


class InvalidFile(Invalid):
    """A YAML file or a bundle has mistakes; `problems` holds all of them, sorted by place.

    The message lists them, a line each, up to a number that a person could still read.
    """

    SHOWN: ClassVar[int] = 200

    def __init__(self, problems: Sequence[Problem], /) -> None:
        """See class."""
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        shown = self.problems[: self.SHOWN]
        lines = [str(problem) for problem in shown]
        if len(shown) < len(self.problems):
            lines.append(f"… and {len(self.problems) - len(shown):,} more")
        super().__init__("\n".join(lines), problems=[asdict(problem) for problem in shown])


class TooLarge(Invalid):
    """The request has more bytes than the server takes."""

    status = 413


class Unauthenticated(OpenLakeError):
    """There is no valid token."""

    code = "UNAUTHENTICATED"
    status = 401


class Forbidden(OpenLakeError):
    """The principal is known but may not do this."""

    code = "PERMISSION_DENIED"
    status = 403


class NotFound(OpenLakeError):
    """No such object in the caller's workspace."""

    code = "RESOURCE_DOES_NOT_EXIST"
    status = 404


class Conflict(OpenLakeError):
    """The object exists already, or changed meanwhile."""

    code = "RESOURCE_CONFLICT"
    status = 409


class AttemptOver(Conflict):
    """The attempt has ended, or a later one has taken its place: do nothing more for it."""

    code = "ATTEMPT_OVER"


class NotOffered(OpenLakeError):
    """A service of Databricks that OpenLake leaves out on purpose; asking again never helps."""

    code = "NOT_IMPLEMENTED"
    status = 501


class Exhausted(OpenLakeError):
    """A queue is full; it will have room again."""

    code = "RESOURCE_EXHAUSTED"
    status = 429
    retryable = True


class Unavailable(OpenLakeError):
    """A part of the stack does not answer."""

    code = "TEMPORARILY_UNAVAILABLE"
    status = 503
    retryable = True


class EngineRejected(OpenLakeError):
    """The engine refused the user's work (a syntax error, a missing table)."""

    code = "BAD_REQUEST"
    status = 400


class LibraryInstallationFailed(EngineRejected):
    """A library of the task cannot be installed; `trace` among the facts has the last lines."""

    code = "LIBRARY_INSTALLATION_ERROR"


class EngineUnavailable(OpenLakeError):
    """The engine cannot be reached; nothing was submitted."""

    code = "TEMPORARILY_UNAVAILABLE"
    status = 503
    retryable = True
