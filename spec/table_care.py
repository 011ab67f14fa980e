"""Table care: what a `table_care_task` asks for. Pure.

Databricks has no task of this kind (it has statements and a service for it): the type is OpenLake's
own. The steps run in the order in which the fields stand here.
"""

import re
from collections.abc import Sequence

from pydantic import Field, field_validator, model_validator

from spec.errors import Invalid
from spec.model import Model, Text

_NAME = r"[^\s.*{}]+"
_PATTERN = re.compile(rf"\*|{_NAME}(\.{_NAME})*\.(\*|{_NAME})")


class Compact(Model):
    """Rewrite many small data files into few large ones; the rows stay the same."""

    target_file_size_mb: int | None = Field(default=None, ge=1, le=10_240)
    """None: the table's own `write.target-file-size-bytes`, 512 MiB where it has none."""
    min_input_files: int = Field(default=5, ge=2)
    """Fewer files that belong together are left as they are."""


class ExpireSnapshots(Model):
    """Delete what only states of a table need that have been replaced long ago."""

    older_than_hours: int | None = Field(default=None, ge=1)
    """None: the lakehouse's history (30 days, see `history_days` in the settings), which is also
    the least. States that a branch stands at are always kept."""


class RemoveOrphanFiles(Model):
    """Delete files that no state of any table on any branch refers to."""

    older_than_hours: int = Field(default=72, ge=24)
    """Younger files are left alone: they may belong to a write that is under way."""


class TableCareTask(Model):
    """Care for tables; OpenLake's own task type."""

    tables: tuple[Text, ...] = Field(min_length=1, max_length=1000)
    """`schema.table`, `schema.*` for all tables of a schema, `*` for all."""
    compact: Compact | None = None
    rewrite_manifests: bool = False
    """Rewrite a table's manifests into few, sorted by partition, so that queries plan faster."""
    expire_snapshots: ExpireSnapshots | None = None
    remove_orphan_files: RemoveOrphanFiles | None = None
    dry_run: bool = False
    """Delete nothing; tell what would go."""

    @field_validator("tables")
    @classmethod
    def _are_patterns(cls, tables: tuple[str, ...]) -> tuple[str, ...]:
        for each in tables:
            if "{{" not in each:
                check_pattern(each)
        return tables

    @model_validator(mode="after")
    def _something_to_do(self) -> "TableCareTask":
        if not (self.rewrites or self.removes):
            raise ValueError(
                "give at least one of 'compact', 'rewrite_manifests', 'expire_snapshots' and"
                " 'remove_orphan_files'"
            )
        if self.dry_run and self.rewrites:
            raise ValueError(
                "'dry_run' tells which files would be deleted; 'compact' and 'rewrite_manifests'"
                " delete none: put them into a task of their own"
            )
        return self

    @property
    def rewrites(self) -> bool:
        """True when an engine has something to do."""
        return self.compact is not None or self.rewrite_manifests

    @property
    def removes(self) -> bool:
        """True when the control plane has something to do."""
        return self.expire_snapshots is not None or self.remove_orphan_files is not None


def check_pattern(text: str) -> None:
    """Refuse what names no tables.

    Raises:
        ValueError: it is neither `schema.table`, nor `schema.*`, nor `*`.
    """
    if not _PATTERN.fullmatch(text):
        raise ValueError(f"'{text}' names no tables; write 'schema.table', 'schema.*' or '*'")


def resolved_patterns(texts: Sequence[str]) -> tuple[str, ...]:
    """Return patterns whose references have been resolved.

    Raises:
        Invalid: one of them names no tables.
    """
    for text in texts:
        try:
            check_pattern(text)
        except ValueError as error:
            raise Invalid(str(error)) from error
    return tuple(texts)


def is_chosen(key: Sequence[str], patterns: Sequence[str]) -> bool:
    """Tell whether one of the patterns means the table with these namespace levels and name."""
    name, schema = ".".join(key), ".".join((*key[:-1], "*"))
    return any(pattern in ("*", name, schema) for pattern in patterns)
