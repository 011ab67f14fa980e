"""Keeps a folder of DAG files in step with the jobs that are to be there.

A job says so by its tag `airflow`, whose value holds the word `export`, and perhaps `whole` (the
job is one Airflow task) and `schedule` (Airflow fires it). Only files that carry the mark of the
same OpenLake are ever changed or removed.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from control.airflow.compile import Compiled, Export, compile_dag, file_name, mark_of
from control.jobs.wire import tidy
from spec.errors import Invalid, NotFound
from spec.jobs import JobSettings

TAG = "airflow"
_WORDS = {"export", "whole", "schedule"}
_ARRAYS = ("tasks", "parameters", "environments")
"""Those that come by pages."""
_ALL = 1_000_000


class Api(Protocol):
    """The REST API, as far as jobs are read."""

    url: str

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """Read an object."""
        ...

    def pages(self, path: str, field: str, limit: int, **query: Any) -> Iterable[dict[str, Any]]:
        """Read the entries of a list."""
        ...


@dataclass
class Changes:
    """What one look at the jobs has changed."""

    written: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    same: int = 0
    problems: list[str] = field(default_factory=list[str])
    """Jobs that cannot be written, and what is other than in OpenLake."""


def read_export(api: Api, job_id: int, words: set[str] | None = None) -> Export:
    """Read a job and how it is to be written.

    Args:
        api: The REST API.
        job_id: The job.
        words: Instead of those of its tag.

    Raises:
        NotFound: there is no such job.
        Invalid: its tag holds an unknown word.
    """
    job = api.get("/api/2.2/jobs/get", job_id=job_id)
    settings: dict[str, Any] = job["settings"]
    token = job.get("next_page_token")
    while token:
        page = api.get("/api/2.2/jobs/get", job_id=job_id, page_token=token)
        for name in _ARRAYS:
            settings.setdefault(name, []).extend(page["settings"].get(name, []))
        token = page.get("next_page_token")
    try:
        read = JobSettings.model_validate(tidy(settings))
    except ValidationError as error:
        raise Invalid(f"job {job_id} cannot be read: {error}") from error
    given = words_of(read.tags) if words is None else words
    return Export(
        job_id=job_id,
        settings=read,
        origin=api.url,
        created_at=datetime.fromtimestamp(job["created_time"] / 1000, UTC),
        whole="whole" in given,
        takes_schedule="schedule" in given,
    )


def words_of(tags: dict[str, str]) -> set[str]:
    """Return the words of a job's tag `airflow`.

    Raises:
        Invalid: one of them is unknown.
    """
    words = set(tags.get(TAG, "").replace(",", " ").split())
    if unknown := sorted(words - _WORDS):
        known = ", ".join(f"'{word}'" for word in sorted(_WORDS))
        raise Invalid(f"the tag '{TAG}' holds '{unknown[0]}'; it may hold {known}")
    return words


def sync(api: Api, folder: Path) -> Changes:
    """Write what is new or changed and remove what is no longer wanted; harmless to repeat.

    Raises:
        OpenLakeError: the jobs cannot be read; no file was removed.
        OSError: the folder cannot be written.
    """
    changes, kept = Changes(), set[str]()
    for entry in api.pages("/api/2.2/jobs/list", "jobs", _ALL):
        tags: dict[str, str] = entry["settings"].get("tags") or {}
        if TAG not in tags:
            continue
        job_id = int(entry["job_id"])
        try:
            if "export" not in words_of(tags):
                continue
            kept.add(file_name(job_id))
            _put(folder, job_id, compile_dag(read_export(api, job_id)), changes)
        except NotFound:
            # It was deleted between the two looks.
            kept.discard(file_name(job_id))
        except Invalid as error:
            # Its file stays as it is: a mistake in a tag must not take a DAG away.
            kept.add(file_name(job_id))
            changes.problems.append(f"job {job_id}: {error.message}")
    _remove(api.url, folder, kept, changes)
    return changes


def write_atomically(file: Path, text: str) -> bool:
    """Write a file at once, unless it holds this text already; tell whether it was written."""
    if file.exists() and file.read_text("utf-8") == text:
        return False
    # Airflow reads `.py` files only, and never half of one.
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _put(folder: Path, job_id: int, compiled: Compiled, changes: Changes) -> None:
    name = file_name(job_id)
    if write_atomically(folder / name, compiled.text):
        changes.written.append(name)
        changes.problems += [f"job {job_id}: {note}" for note in compiled.notes]
    else:
        changes.same += 1


def _remove(origin: str, folder: Path, kept: set[str], changes: Changes) -> None:
    for file in sorted(folder.glob("openlake_job_*.py")):
        if file.name in kept:
            continue
        mark = mark_of(file.read_text("utf-8", "replace"))
        if mark is not None and mark[1] == origin and file.name == file_name(mark[0]):
            file.unlink()
            changes.removed.append(file.name)
