"""What an attempt's folder says about the end of its work: outcome, output, failure."""

import re
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import ValidationError

from activities.folder import AttemptFolder, Exit
from spec.attempts import AttemptOutcome, AttemptOutput, AttemptResult

_TAIL_BYTES = 64 * 1024
_TRACE_CHARACTERS = 32 * 1024
_MESSAGE_CHARACTERS = 1000
_START = re.compile(r"^Traceback \(most recent call last\):$", re.MULTILINE)
_JAVA = re.compile(r'^Exception in thread "[^"\n]*" (?P<error>\S.*)\n', re.MULTILINE)
_JAVA_REST = re.compile(
    r"(?:[ \t]+at .*\n?|[ \t]*\.\.\. \d+ more\n?|Caused by: .*\n?|\t+Suppressed: .*\n?)*"
)
_CHAINED = re.compile(
    r"\n\n(During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\n\n"
)


def read(folder: AttemptFolder, end: Exit) -> tuple[AttemptOutcome, AttemptOutput]:
    """Return the outcome and output of ended work; the same answer every time."""
    result, code, message = judge(end)
    output = _output(folder)
    if result is AttemptResult.FAILED:
        if output.error is None:
            error, trace = last_failure(_tail(folder))
            output = output.model_copy(update={"error": error or message, "error_trace": trace})
        message = output.error or message
    outcome = AttemptOutcome(
        result=result,
        code=code,
        message=message[:_MESSAGE_CHARACTERS],
        started_at=_instant(end.started),
        ended_at=_instant(end.ended),
    )
    return outcome, output


def judge(end: Exit) -> tuple[AttemptResult, str, str]:
    """Return (result, Databricks' termination code, message) of an end."""
    if end.lost is not None:
        return AttemptResult.LOST, "DRIVER_ERROR", end.lost
    if end.terminated:
        return AttemptResult.CANCELED, "CANCELED", "The attempt was cancelled."
    if end.code == 0:
        return AttemptResult.SUCCESS, "SUCCESS", ""
    code = end.code or 0
    message = f"The process ended with exit code {code}."
    if code < 0:
        hint = "; the machine may be out of memory" if code == -9 else ""
        message = f"The process was killed by signal {-code}{hint}."
    return AttemptResult.FAILED, "RUN_EXECUTION_ERROR", message


def last_failure(log: str) -> tuple[str | None, str | None]:
    """Return (error line, trace) of the last Python or Java failure in a log, or (None, None)."""
    starts = list(_START.finditer(log))
    java = max(_JAVA.finditer(log), key=re.Match[str].start, default=None)
    if java is not None and (not starts or java.start() > starts[-1].start()):
        rest = _JAVA_REST.match(log, java.end())
        end = java.end() if rest is None else rest.end()
        return java["error"], log[java.start() : end].strip()[:_TRACE_CHARACTERS]
    if not starts:
        return None, None
    first = len(starts) - 1
    # Exceptions that led to the last one belong to the story.
    while first > 0 and _CHAINED.search(log, starts[first - 1].end(), starts[first].start()):
        first -= 1
    trace = log[starts[first].start() :].strip("\n")
    lines = log[starts[-1].end() :].strip("\n").splitlines()
    error = next((line for line in lines if line and not line[0].isspace()), None)
    return error, trace[:_TRACE_CHARACTERS]


def _output(folder: AttemptFolder) -> AttemptOutput:
    failure, notebook = _object(folder, "error.json"), _object(folder, "notebook.json")
    left: dict[str, Any] = {
        "error": _cut(failure.get("error"), _MESSAGE_CHARACTERS),
        "error_trace": _cut(failure.get("trace"), _TRACE_CHARACTERS),
        "notebook_result": notebook.get("result"),
        "sql": folder.read_left("sql.json"),
        "values": _object(folder, "values.json"),
        "dbt": folder.read_left("dbt.json"),
    }
    try:
        return AttemptOutput.model_validate(left)
    except ValidationError:
        # User code wrote into these files by itself; what is no output is none.
        return AttemptOutput()


def _object(folder: AttemptFolder, name: str) -> dict[str, Any]:
    content = folder.read_left(name)
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _cut(text: Any, characters: int) -> Any:
    return text[:characters] if isinstance(text, str) else None


def _tail(folder: AttemptFolder) -> str:
    try:
        with folder.log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
