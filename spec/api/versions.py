"""Answers of `/api/openlake/1.0/jobs/{job_id}/versions`: what a job's settings were, and when."""

from typing import Any

from spec.attempts import Frozen
from spec.diff import Change


class VersionItem(Frozen):
    """One version of a job's settings."""

    version: int
    """Counts from 1."""
    editor: str
    """Who made it."""
    cause: str
    """How: `created`, `reset`, `updated` or `restored from version n`."""
    created_at: int
    """Epoch milliseconds."""


class VersionView(VersionItem):
    """One version with its settings."""

    job_id: int
    settings: dict[str, Any]
    """As `jobs/get` shows them, whole: arrays are not cut into pages."""


class VersionList(Frozen):
    """Answer of `versions`, newest first."""

    versions: tuple[VersionItem, ...] = ()
    next_page_token: str | None = None


class VersionDiff(Frozen):
    """What changed from one version to another."""

    job_id: int
    before: int
    """The version that the changes are told against."""
    after: int
    changes: tuple[Change, ...] = ()


class Restored(Frozen):
    """Answer of `restore`."""

    job_id: int
    version: int
    """The newest version now; the one that was there when the settings were the same already."""
