"""The log of a followed DAG run: a line for each start and end that Airflow tells of.

    2026-11-23T04:42:31.090Z  clean, try 1: started  http://…/tasks/clean?try_number=1

Every line is a fact of Airflow's, so whoever follows the run writes the same lines. What was
written is never changed: a line that is in the file already is not written again, and a worker
that takes over from another host goes on from the notes that came with the handle. A fact can show
itself after one that happened later, so the notes name the lines of the last seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

_OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
_NEVER_RAN = frozenset({"skipped", "upstream_failed", "removed"})
_STARTED = frozenset({"running", "deferred", "restarting", "up_for_reschedule", "up_for_retry"})
ACTIVE = frozenset(
    {"running", "restarting", "queued", "scheduled", "deferred", "up_for_reschedule"}
)
"""States of a task instance of which something runs, or soon will."""
_LATE = timedelta(seconds=5)
"""By how much a fact may show itself after one that happened later."""
_MOST_NAMED = 200
"""Lines that notes name; where more fell into the last seconds, the time they cover is shorter."""


@dataclass(frozen=True, order=True)
class Fact:
    """One thing that happened, ordered by time."""

    at: datetime
    what: str
    """Unique in a DAG run, e.g. `clean, try 1: started`."""
    url: str

    @property
    def line(self) -> str:
        """Spell it, for people."""
        at = self.at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        return f"{at}Z  {self.what}  {self.url}"


def facts_of_run(run: dict[str, Any], page: str) -> list[Fact]:
    """Return what is known of a DAG run itself; `page` is its address."""
    state = run["state"]
    ended = run["end_date"] if state in _OVER else None
    times = (("queued", run["queued_at"]), ("running", run["start_date"]), (state, ended))
    return [Fact(_instant(at), f"DAG run: {word}", page) for word, at in times if at]


def facts_of(instance: dict[str, Any], page: str) -> list[Fact]:
    """Return what is known of one try of a task; `page` is the DAG run's address."""
    state, found = instance["state"], list[Fact]()
    number, url = instance["try_number"], log_page(instance, page)
    who = f"{label(instance)}, try {number}" if number > 0 else label(instance)
    if instance["start_date"] and (state in _STARTED or state in _OVER - _NEVER_RAN):
        found.append(Fact(_instant(instance["start_date"]), f"{who}: started", url))
    if state == "up_for_retry":
        # What Airflow's history calls it, once the next try has begun.
        state = "failed"
    if instance["end_date"] and state in _OVER:
        found.append(Fact(_instant(instance["end_date"]), f"{who}: {state}", url))
    return found


def label(instance: dict[str, Any]) -> str:
    """Name a task instance: `clean`, or `clean[3]` when it is mapped."""
    index = instance["map_index"]
    return instance["task_id"] if index < 0 else f"{instance['task_id']}[{index}]"


def log_page(instance: dict[str, Any], page: str) -> str:
    """Return where Airflow's console shows the log of a try (`TaskInstance.log_url`)."""
    index = instance["map_index"]
    mapped = "" if index < 0 else f"/mapped/{index}"
    number = instance["try_number"]
    chosen = f"?try_number={number}" if number > 0 else ""
    return f"{page}/tasks/{quote(instance['task_id'])}{mapped}{chosen}"


class Diary:
    """The file of one attempt on this host.

    Args:
        file: Where; need not exist yet.
        notes: `notes` of whoever wrote last, if that was on another host.
    """

    def __init__(self, file: Path, notes: Mapping[str, str]) -> None:
        """See class."""
        self._file = file
        text = file.read_text() if file.exists() else ""
        self._written = {line.split("  ")[1] for line in text.splitlines() if "  " in line}
        self._from: datetime | None = None
        self._recent = list[tuple[datetime, str]]()
        if not text and "from" in notes:
            self._from = _instant(notes["from"])
            pairs = (line.split("  ", 1) for line in notes["said"].splitlines())
            self._recent = [(_instant(at), what) for at, what in pairs]
            self._written = {what for _, what in self._recent}

    def notes(self) -> dict[str, str]:
        """Return what another host needs to go on: an instant, and the lines said since then."""
        if not self._recent:
            return {}
        cut = len(self._recent) == _MOST_NAMED
        since = self._recent[0][0] if cut else self._recent[-1][0] - _LATE
        said = "\n".join(f"{at.isoformat()}  {what}" for at, what in self._recent)
        return {"from": since.isoformat(), "said": said}

    def knows_end(self, instance: dict[str, Any], number: int) -> bool:
        """Tell whether the end of an earlier try of this task instance is written."""
        start = f"{label(instance)}, try {number}: "
        return any(
            what.startswith(start) and not what.endswith(": started") for what in self._written
        )

    def write(self, facts: Iterable[Fact]) -> None:
        """Append what is not written yet, in the order of time."""
        news = sorted(fact for fact in set(facts) if fact.what not in self._written)
        if self._from is not None:
            news = [fact for fact in news if fact.at >= self._from]
        if not news:
            return
        with self._file.open("a") as out:
            out.write("".join(f"{fact.line}\n" for fact in news))
        self._written |= {fact.what for fact in news}
        recent = sorted([*self._recent, *((fact.at, fact.what) for fact in news)])
        late = recent[-1][0] - _LATE
        self._recent = [each for each in recent if each[0] >= late][-_MOST_NAMED:]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
