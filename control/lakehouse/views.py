"""Draws what people see from Iceberg's metadata documents; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from control.gateway.stamps import CREATED_BY, PARENT, SUMMARY_PREFIX
from control.gateway.tables import AttemptCommitRow
from control.lakehouse import types
from control.lakehouse.base import Json, Kind, Loaded, TableName
from control.runs.tables import Run
from control.transactions.tables import AttemptBranch, AttemptBranchState, Transaction
from spec.api import tables as page
from spec.api.catalog import ColumnInfo, TableInfo

_NO_SNAPSHOT = -1
"""The current snapshot of a table without any, in format version 1."""
_HIDDEN = ("nessie.", CREATED_BY)
"""Properties that the catalog adds for itself, or that are shown in other words."""


def schema_of(metadata: Json) -> Json:
    """Return the current schema of a table or view."""
    wanted = metadata.get("current-schema-id")
    if wanted is None and "versions" in metadata:
        wanted = _version(metadata).get("schema-id")
    schemas: list[Json] = metadata.get("schemas") or [metadata.get("schema") or {}]
    return next((each for each in schemas if each.get("schema-id") == wanted), schemas[-1])


def current_snapshot(metadata: Json) -> Json | None:
    """Return the snapshot that a table is at; None when it has none yet."""
    current = metadata.get("current-snapshot-id")
    if current in (None, _NO_SNAPSHOT):
        return None
    listed: list[Json] = metadata.get("snapshots") or []
    return next((each for each in listed if each["snapshot-id"] == current), None)


def properties_of(metadata: Json) -> dict[str, str]:
    """Return a table's properties without the catalog's own."""
    given: dict[str, str] = metadata.get("properties") or {}
    return {name: given[name] for name in sorted(given) if not name.startswith(_HIDDEN)}


def columns_of(metadata: Json) -> tuple[ColumnInfo, ...]:
    """Return the columns in Databricks' shape."""
    fields: list[Json] = schema_of(metadata).get("fields") or []
    places = {
        each.get("source-id"): index
        for index, each in enumerate(_default_spec(metadata))
        if each.get("transform") == "identity"
    }
    return tuple(_column(each, position, places) for position, each in enumerate(fields))


def _column(field: Json, position: int, places: Mapping[Any, int]) -> ColumnInfo:
    digits = types.precision_and_scale(field["type"])
    return ColumnInfo(
        name=field["name"],
        position=position,
        type_name=types.type_name(field["type"]),
        type_text=types.sql(field["type"]),
        type_json=types.spark_field(field),
        nullable=not field.get("required", False),
        comment=field.get("doc"),
        type_precision=digits[0] if digits else None,
        type_scale=digits[1] if digits else None,
        partition_index=places.get(field["id"]),
    )


def table_type(kind: Kind, *, managed: bool) -> Literal["MANAGED", "EXTERNAL", "VIEW"]:
    """Return Databricks' word for it."""
    if kind is Kind.VIEW:
        return "VIEW"
    return "MANAGED" if managed else "EXTERNAL"


def table_info(name: TableName, loaded: Loaded, *, managed: bool) -> TableInfo:
    """Return a table in Databricks' shape."""
    metadata = loaded.metadata
    properties = properties_of(metadata)
    creator = created_by(metadata, None)
    is_view = loaded.kind is Kind.VIEW
    sql = representations(metadata)
    return TableInfo(
        name=name.table,
        catalog_name=name.catalog,
        schema_name=name.schema,
        full_name=str(name),
        table_type=table_type(loaded.kind, managed=managed),
        data_source_format=None if is_view else "ICEBERG",
        columns=columns_of(metadata),
        owner=properties.get("owner"),
        comment=properties.get("comment"),
        properties=properties,
        storage_location=metadata.get("location"),
        view_definition=sql[0].sql if sql else None,
        created_by=creator.user if creator else None,
        updated_at=updated_at(metadata),
        table_id=metadata.get("table-uuid") or metadata.get("view-uuid"),
    )


def table_page(
    name: TableName,
    loaded: Loaded,
    branch: str | None,
    workspace_id: int,
    counts: Mapping[str, str] | None = None,
) -> page.TablePage:
    """Return all that a table's page begins with."""
    metadata = loaded.metadata
    schema, properties = schema_of(metadata), properties_of(metadata)
    current = current_snapshot(metadata)
    fields: list[Json] = schema.get("fields") or []
    names = {each["id"]: path for path, each in _walk(fields)}
    identifiers: list[int] = schema.get("identifier-field-ids") or []
    refs: dict[str, Json] = metadata.get("refs") or {}
    return page.TablePage(
        catalog=name.catalog,
        schema_name=name.schema,
        name=name.table,
        full_name=str(name),
        kind=loaded.kind.value,
        branch=branch,
        uuid=str(metadata.get("table-uuid") or metadata.get("view-uuid") or ""),
        format_version=int(metadata.get("format-version", 1)),
        location=str(metadata.get("location") or ""),
        comment=properties.get("comment"),
        fields=tuple(_field(each) for each in fields),
        identifier_fields=tuple(names.get(each, f"<{each}>") for each in identifiers),
        partition_fields=tuple(_partition_field(f, names) for f in _default_spec(metadata)),
        sort_fields=tuple(_partition_field(f, names) for f in _default_order(metadata)),
        properties=properties,
        refs=tuple(
            page.Ref(name=ref, type=str(said["type"]), snapshot_id=str(said["snapshot-id"]))
            for ref, said in sorted(refs.items())
        ),
        statistics=statistics(current, counts) if current else None,
        snapshot=snapshot_view(current, workspace_id, counts) if current else None,
        created_by=created_by(metadata, workspace_id),
        updated_at=updated_at(metadata),
        metadata_location=loaded.metadata_location,
        view=representations(metadata),
    )


def _field(field: Json) -> page.Field:
    return page.Field(
        id=field["id"],
        name=field["name"],
        type=types.sql(field["type"]),
        required=bool(field.get("required", False)),
        doc=field.get("doc"),
        fields=tuple(_field(each) for each in types.nested_fields(field["type"])),
    )


def _walk(fields: list[Json], above: str = "") -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for each in fields:
        path = f"{above}{each['name']}"
        found.append((path, each))
        found += _walk(types.nested_fields(each["type"]), f"{path}.")
    return found


def _partition_field(field: Json, names: Mapping[int, str]) -> page.PartitionField:
    source = field.get("source-id")
    sources: list[int] = [source] if source is not None else field.get("source-ids") or []
    return page.PartitionField(
        name=field.get("name"),
        column=", ".join(names.get(each, f"<{each}>") for each in sources),
        transform=str(field["transform"]),
        direction=field.get("direction"),
        null_order=field.get("null-order"),
    )


def _default_spec(metadata: Json) -> list[Json]:
    specs: list[Json] = metadata.get("partition-specs") or []
    wanted = metadata.get("default-spec-id", 0)
    return next((each["fields"] for each in specs if each["spec-id"] == wanted), list[Json]())


def _default_order(metadata: Json) -> list[Json]:
    orders: list[Json] = metadata.get("sort-orders") or []
    wanted = metadata.get("default-sort-order-id", 0)
    return next((each["fields"] for each in orders if each["order-id"] == wanted), list[Json]())


def updated_at(metadata: Json) -> int | None:
    """Return when a table or view last changed, in epoch milliseconds."""
    at = metadata.get("last-updated-ms") or _version(metadata).get("timestamp-ms")
    return None if at is None else int(at)


def representations(metadata: Json) -> tuple[page.Representation, ...]:
    """Return a view's SQL in each dialect it was given in; nothing for a table."""
    given: list[Json] = _version(metadata).get("representations") or []
    return tuple(
        page.Representation(sql=str(each["sql"]), dialect=str(each.get("dialect", "")))
        for each in given
        if each.get("type") == "sql"
    )


def _version(metadata: Json) -> Json:
    versions: list[Json] = metadata.get("versions") or []
    wanted = metadata.get("current-version-id")
    return next((each for each in versions if each.get("version-id") == wanted), Json())


def statistics(snapshot: Json, counts: Mapping[str, str] | None = None) -> page.Statistics:
    """Return the size of a table by a snapshot's summary, else by what was counted of it."""
    summary = {**(counts or {}), **_noted(snapshot)}
    return page.Statistics(
        rows=rows(summary),
        bytes=number(summary, "total-files-size"),
        data_files=number(summary, "total-data-files"),
        delete_files=number(summary, "total-delete-files"),
        position_deletes=number(summary, "total-position-deletes"),
        equality_deletes=number(summary, "total-equality-deletes"),
    )


def snapshot_view(
    snapshot: Json, workspace_id: int, counts: Mapping[str, str] | None = None
) -> page.Snapshot:
    """Return a snapshot as people see it.

    Args:
        snapshot: As the metadata has it.
        workspace_id: The one of who looks.
        counts: What was counted because its writer noted nothing; see `counting`.
    """
    noted = _noted(snapshot)
    summary = {**(counts or {}), **noted}
    parent = snapshot.get("parent-snapshot-id") or summary.get(PARENT)
    return page.Snapshot(
        snapshot_id=str(snapshot["snapshot-id"]),
        parent_id=None if parent in (None, _NO_SNAPSHOT) else str(parent),
        at=int(snapshot.get("timestamp-ms", 0)),
        operation=summary.get("operation"),
        writer=writer(summary, SUMMARY_PREFIX, workspace_id),
        added_rows=changed(summary, "added-records"),
        deleted_rows=deleted_rows(summary),
        added_files=changed(summary, "added-data-files"),
        deleted_files=changed(summary, "deleted-data-files"),
        added_bytes=changed(noted, "added-files-size"),
        removed_bytes=changed(noted, "removed-files-size"),
        total_rows=rows(summary),
        total_files=number(summary, "total-data-files"),
        total_bytes=number(summary, "total-files-size"),
        summary=_summary_for(noted, workspace_id),
    )


def _noted(snapshot: Json) -> dict[str, str]:
    """Return a snapshot's summary; what clients write there need not be text."""
    entries: Json = snapshot.get("summary") or {}
    return {name: str(entry) for name, entry in entries.items() if entry is not None}


def _summary_for(summary: Mapping[str, str], workspace_id: int) -> dict[str, str]:
    """Leave another workspace's stamp out."""
    if _is_of(summary, SUMMARY_PREFIX, workspace_id):
        return dict(summary)
    return {name: text for name, text in summary.items() if not name.startswith(SUMMARY_PREFIX)}


def created_by(metadata: Json, workspace_id: int | None) -> page.Writer | None:
    """Return who created a table, as the gateway noted it; any workspace's if that is None."""
    return writer(metadata.get("properties") or {}, CREATED_BY, workspace_id)


def writer(entries: Mapping[str, str], prefix: str, workspace_id: int | None) -> page.Writer | None:
    """Read the gateway's stamp; of another workspace only that it is one."""
    if f"{prefix}workspace-id" not in entries:
        return None
    if workspace_id is not None and not _is_of(entries, prefix, workspace_id):
        return page.Writer(elsewhere=True)
    return page.Writer(
        run_id=number(entries, f"{prefix}run-id"),
        job_id=number(entries, f"{prefix}job-id"),
        task_run_id=number(entries, f"{prefix}task-run-id"),
        task_key=entries.get(f"{prefix}task-key"),
        attempt=number(entries, f"{prefix}attempt"),
        user=entries.get(f"{prefix}principal"),
        statement_id=entries.get(f"{prefix}statement-id"),
    )


def _is_of(entries: Mapping[str, str], prefix: str, workspace_id: int) -> bool:
    return entries.get(f"{prefix}workspace-id") == str(workspace_id)


def number(entries: Mapping[str, str], name: str) -> int | None:
    """Return an entry as a number; None when it is missing or none."""
    try:
        return int(entries[name])
    except (KeyError, ValueError, TypeError, OverflowError):
        # A client writes its summary as it likes, also `null`.
        return None


def rows(summary: Mapping[str, str]) -> int | None:
    """Return how many rows there are: those in data files less those deleted by position."""
    written = number(summary, "total-records")
    if written is None:
        return None
    return max(written - (number(summary, "total-position-deletes") or 0), 0)


def deleted_rows(summary: Mapping[str, str]) -> int | None:
    """Return how many rows went: with their files, or by deletes of their positions.

    What a file that goes had lost by position before is not counted again.
    """
    with_files = changed(summary, "deleted-records")
    if with_files is None:
        return None
    came = number(summary, "added-position-deletes") or 0
    return max(with_files + came - (number(summary, "removed-position-deletes") or 0), 0)


def changed(summary: Mapping[str, str], name: str) -> int | None:
    """Return a change that a summary counts; 0 where it counts others but not this one."""
    found = number(summary, name)
    if found is None and "total-records" in summary:
        return 0
    return found


def held_branches(
    rows: Sequence[tuple[Transaction, Run, AttemptBranch, AttemptCommitRow]],
) -> tuple[page.HeldBranch, ...]:
    """Return the branches that changed a table, in the order of the rows."""
    found: dict[str, list[tuple[Transaction, Run, AttemptBranch, AttemptCommitRow]]] = {}
    for row in rows:
        found.setdefault(row[0].branch, []).append(row)
    return tuple(
        page.HeldBranch(
            branch=branch,
            run_id=held[0][0].run_id,
            job_id=held[0][0].job_id,
            run_name=held[0][1].run_name,
            state=held[0][0].state,
            task_keys=tuple(sorted({attempt.task_key for _, _, attempt, _ in held})),
            changes=len(held),
            landed=all(attempt.state == AttemptBranchState.LANDED for _, _, attempt, _ in held),
            last_at=max(_millis(commit.at) or 0 for *_, commit in held),
            created_at=_millis(held[0][0].created_at),
            drop_after=_millis(held[0][0].drop_after),
        )
        for branch, held in found.items()
    )


def _millis(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
