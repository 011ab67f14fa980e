"""What people see of catalogs and tables, as far as no catalog is needed for it."""

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from pyiceberg.manifest import ManifestContent

from control.app import create_app
from control.config import CatalogConnection, Settings
from control.db import Database
from control.deps import Deps
from control.gateway.tables import AttemptCommitRow
from control.lakehouse import counting, types, views
from control.lakehouse.base import Entry, Json, Key, Kind, Loaded, Past, TableName
from control.lakehouse.catalogs import Lakehouse
from control.lakehouse.iceberg_rest import IcebergRest
from control.runs.tables import Run
from control.stack.environment import settings_environment
from control.stack.layout import Layout
from control.stack.secrets import keep_catalogs
from control.transactions.tables import AttemptBranch, Transaction
from spec.api.tables import SampleColumn
from spec.errors import NotFound, Unavailable
from tests.control.make import create_job, make_token, make_user, put_file, run_now

NESTED: Json = {
    "type": "struct",
    "fields": [
        {"id": 2, "name": "a", "required": True, "type": "int"},
        {
            "id": 3,
            "name": "b",
            "required": False,
            "type": {
                "type": "map",
                "key-id": 4,
                "key": "string",
                "value-id": 5,
                "value-required": True,
                "value": {"type": "list", "element-id": 6, "element": "timestamptz"},
            },
        },
    ],
}


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("boolean", "BOOLEAN", "boolean"),
        ("int", "INT", "int"),
        ("long", "LONG", "bigint"),
        ("float", "FLOAT", "float"),
        ("double", "DOUBLE", "double"),
        ("decimal(12, 3)", "DECIMAL", "decimal(12,3)"),
        ("date", "DATE", "date"),
        ("time", "USER_DEFINED_TYPE", "time"),
        ("timestamp", "TIMESTAMP_NTZ", "timestamp_ntz"),
        ("timestamptz", "TIMESTAMP", "timestamp"),
        ("timestamp_ns", "USER_DEFINED_TYPE", "timestamp_ns"),
        ("string", "STRING", "string"),
        ("uuid", "STRING", "string"),
        ("fixed[16]", "BINARY", "binary"),
        ("binary", "BINARY", "binary"),
        ("variant", "VARIANT", "variant"),
        ("geometry(srid:4326)", "GEOMETRY", "geometry(srid:4326)"),
        ("geography", "GEOGRAPHY", "geography"),
        ("unknown", "NULL", "void"),
        (NESTED, "STRUCT", "struct<a:int,b:map<string,array<timestamp>>>"),
    ],
)
def test_every_iceberg_type_has_a_databricks_name(kind: Any, name: str, text: str) -> None:
    assert (types.type_name(kind), types.sql(kind)) == (name, text)


def test_a_column_is_spelled_as_sparks_struct_field() -> None:
    field = {"id": 1, "name": "n", "required": False, "type": NESTED, "doc": "why"}
    assert json.loads(types.spark_field(field)) == {
        "name": "n",
        "nullable": True,
        "metadata": {"comment": "why"},
        "type": {
            "type": "struct",
            "fields": [
                {"name": "a", "type": "integer", "nullable": False, "metadata": {}},
                {
                    "name": "b",
                    "nullable": True,
                    "metadata": {},
                    "type": {
                        "type": "map",
                        "keyType": "string",
                        "valueType": {
                            "type": "array",
                            "elementType": "timestamp",
                            "containsNull": True,
                        },
                        "valueContainsNull": False,
                    },
                },
            ],
        },
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, "true"),
        (2**63 - 1, "9223372036854775807"),
        (float("nan"), "nan"),
        (Decimal("1.50"), "1.50"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (b"\xff", "/w=="),
        ([("k", None)], '[["k",null]]'),
        ({"d": Decimal("0.10"), "n": float("inf")}, '{"d":"0.10","n":"inf"}'),
    ],
)
def test_cells_are_text_that_json_can_hold(value: Any, text: str | None) -> None:
    from control.lakehouse.rows import cell_text

    assert cell_text(value) == text


def test_files_outside_an_object_store_are_not_read() -> None:
    from control.lakehouse.files import S3Files
    from spec.errors import Invalid

    for location in ("/etc/passwd", "file:///etc/passwd", "hdfs://there/f"):
        with pytest.raises(Invalid, match="not in an S3 store"):
            S3Files({}).new_input(location)


@pytest.mark.parametrize("text", ["t", "a.t", "a..t", ".a.t", ""])
def test_a_name_that_no_table_can_have_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        TableName.parse(text)


def test_settings_refuse_catalogs_that_cannot_be() -> None:
    for name, each in (
        ("lakehouse", {"type": "rest", "uri": "http://x"}),
        ("a.b", {"type": "rest", "uri": "http://x"}),
        ("a", {"type": "hive", "uri": "http://x"}),
        ("a", {"type": "rest", "uri": "thrift://x"}),
        ("a", {"type": "rest", "uri": "http://x", "token": "t", "credential": "c:s"}),
    ):
        with pytest.raises(ValueError, match=r"catalog"):
            Settings.model_validate({"catalogs": {name: each}})


def test_other_catalogs_reach_the_api_by_a_secret_file_alone(tmp_path: Path) -> None:
    given = {
        "type": "rest",
        "uri": "http://x",
        "credential": "me:hidden",
        "storage": {"endpoint": "http://s3", "access_key": "a", "secret_key": "hidden"},
    }
    settings = Settings.model_validate({"data_dir": tmp_path, "catalogs": {"x": given}})
    layout = Layout(settings)
    keep_catalogs(layout.secrets_dir, settings.catalogs)
    passed_on = settings_environment(layout)
    assert "hidden" not in str(passed_on) and "OPENLAKE_CATALOGS" not in passed_on
    assert (layout.secrets_dir / "catalogs").stat().st_mode & 0o777 == 0o600
    found = Layout(Settings(data_dir=tmp_path)).catalogs
    assert found == settings.catalogs


METADATA: Json = {
    "format-version": 2,
    "table-uuid": "u",
    "location": "s3://b/t",
    "current-schema-id": 1,
    "schemas": [
        {"schema-id": 0, "fields": []},
        {"schema-id": 1, "fields": [{"id": 1, "name": "x", "required": True, "type": "long"}]},
    ],
    "current-snapshot-id": 5,
    "snapshots": [
        {
            "snapshot-id": 5,
            "timestamp-ms": 10,
            "summary": {
                "operation": "append",
                "added-records": "2",
                "total-records": "2",
                "openlake.workspace-id": "1",
                "openlake.run-id": "77",
                "openlake.task-key": "load",
                "openlake.parent-snapshot-id": "4",
            },
        }
    ],
    "properties": {"nessie.commit.id": "x", "owner": "ada"},
}


def test_what_a_writer_did_not_count_is_counted_by_manifests() -> None:
    def manifest(snapshot: int, *counts: int | None, deletes: bool = False) -> Any:
        added, existing, deleted = counts
        content = ManifestContent.DELETES if deletes else ManifestContent.DATA
        rows = {"added_rows_count": added, "existing_rows_count": existing}
        files = {"added_files_count": 1, "existing_files_count": 0, "deleted_files_count": 0}
        both = rows | files | {"deleted_rows_count": deleted, "added_snapshot_id": snapshot}
        return SimpleNamespace(content=content, **both)

    found = counting.sums(
        5, [manifest(4, 2, 0, 0), manifest(5, 3, 4, 1), manifest(5, 2, 1, 0, deletes=True)]
    )
    assert found["added-records"] == "3"
    assert found["deleted-records"] == "1"
    assert (found["total-records"], found["total-data-files"]) == ("9", "2")
    assert found["total-delete-files"] == "1"
    assert counting.sums(5, [manifest(5, None, None, None)]) == {}
    bare = {"snapshot-id": 5, "timestamp-ms": 1, "summary": {"operation": "append"}}
    deletes = {"total-position-deletes": "3", "added-position-deletes": "2"}
    shown = views.snapshot_view(bare, 1, found | deletes)
    # One row went with its file, two by their positions; of the nine rows written six are left.
    assert (shown.added_rows, shown.deleted_rows, shown.total_rows) == (3, 3, 6)
    assert shown.summary == {"operation": "append"}
    assert not counting.is_uncounted(bare)
    assert counting.is_uncounted(bare | {"manifest-list": "s3://b/x"})


def test_a_summary_that_is_no_text_is_shown_all_the_same() -> None:
    summary = {"operation": "append", "total-records": 7, "added-records": None, "note": None}
    shown = views.snapshot_view({"snapshot-id": 5, "timestamp-ms": 1, "summary": summary}, 1)
    assert (shown.total_rows, shown.added_rows) == (7, 0)
    assert shown.summary == {"operation": "append", "total-records": "7"}
    assert views.statistics({"snapshot-id": 5, "summary": summary}).rows == 7


def test_rows_that_were_only_moved_are_no_change() -> None:
    import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs]

    from control.lakehouse import row_diff

    arrow: Any = pa

    def rows(sign: int, *pairs: tuple[int | None, str]) -> Any:
        ids, names = ([pair[place] for pair in pairs] for place in (0, 1))
        signs = arrow.array([sign] * len(pairs), arrow.int64())
        columns = [arrow.array(ids, arrow.int32()), arrow.array(names), signs]
        return arrow.RecordBatch.from_arrays(columns, names=["0", "1", row_diff.SIGN])

    before = rows(-1, (2, "Bo"), (1, "Al"), (None, "x"), (7, "twice"))
    after = rows(1, (1, "Al"), (2, "Bea"), (None, "x"), *[(7, "twice")] * 4)
    columns = (SampleColumn(name="id", type="int"), SampleColumn(name="name", type="string"))
    found = row_diff.difference([before, after], columns, 2)
    assert [(each.change, each.cells) for each in found.rows] == [
        ("added", ("2", "Bea")),
        ("removed", ("2", "Bo")),
        ("added", ("7", "twice")),
    ]
    assert (found.added_rows, found.deleted_rows, found.cut) == (4, 1, True)


def test_a_writer_is_told_to_its_own_workspace_only() -> None:
    name = TableName.parse("lakehouse.s.t")
    loaded = Loaded(Kind.TABLE, METADATA, None)
    own = views.table_page(name, loaded, "main", workspace_id=1).snapshot
    assert own is not None and own.writer is not None
    assert (own.writer.run_id, own.writer.task_key, own.parent_id) == (77, "load", "4")
    other = views.table_page(name, loaded, "main", workspace_id=2).snapshot
    assert other is not None and other.writer is not None
    assert (other.writer.elsewhere, other.writer.run_id) == (True, None)
    assert not any(key.startswith("openlake.") for key in other.summary)


class Shelf:
    """A catalog of one table that remembers on which branch it was asked."""

    name = "lakehouse"
    type = "nessie"
    has_branches = True

    def __init__(self) -> None:
        self.branches: list[str | None] = []

    async def namespaces(self, branch: str | None = None) -> list[Key]:
        return [("a",), ("s",)]

    async def namespace(self, namespace: Key, branch: str | None = None) -> dict[str, str] | None:
        return {} if namespace in (("a",), ("s",)) else None

    async def entries(self, namespace: Key, branch: str | None = None) -> list[Entry]:
        names = ["t", "u_1", "u%"] if namespace == ("s",) else []
        return [Entry((*namespace, each), Kind.TABLE) for each in names]

    async def load(self, key: Key, branch: str | None = None) -> Loaded | None:
        self.branches.append(branch)
        return Loaded(Kind.TABLE, METADATA, None) if key == ("s", "t") else None

    async def past(
        self, key: Key, loaded: Loaded, branch: str | None, resume: str | None, limit: int
    ) -> Past:
        return Past(())

    async def close(self) -> None:
        pass


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def lake_api(deps: Deps, token: str, shelf: Shelf) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(dataclasses.replace(deps, lakehouse=Lakehouse({"lakehouse": shelf})))
    transport = httpx2.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        client.headers.update(headers)
        yield client


UNITY = "/api/2.1/unity-catalog"
PAGE = "/api/openlake/1.0/tables/lakehouse.s.t"


async def test_lists_page_by_name_and_patterns_are_sqls(lake_api: httpx2.AsyncClient) -> None:
    query: dict[str, Any] = {"catalog_name": "lakehouse", "schema_name": "s", "max_results": 2}
    first = (await lake_api.get(f"{UNITY}/tables", params=query)).json()
    assert [each["name"] for each in first["tables"]] == ["t", "u%"]
    more = {**query, "page_token": first["next_page_token"]}
    last = (await lake_api.get(f"{UNITY}/tables", params=more)).json()
    assert [each["name"] for each in last["tables"]] == ["u_1"]
    assert "next_page_token" not in last
    like = {"catalog_name": "lakehouse", "table_name_pattern": "u_1"}
    found = (await lake_api.get(f"{UNITY}/table-summaries", params=like)).json()
    assert [each["full_name"] for each in found["tables"]] == ["lakehouse.s.u_1"]
    wrong = await lake_api.get(f"{UNITY}/tables", params={**query, "page_token": "%"})
    assert wrong.status_code == 400
    missing = await lake_api.get(f"{UNITY}/tables", params={"catalog_name": "lakehouse"})
    assert missing.json()["error_code"] == "INVALID_PARAMETER_VALUE"


async def test_tables_are_for_those_with_a_token(anonymous: httpx2.AsyncClient) -> None:
    for path in (f"{UNITY}/catalogs", f"{UNITY}/tables/lakehouse.s.t", PAGE, f"{PAGE}/sample"):
        assert (await anonymous.get(path)).status_code == 401


async def test_a_schema_lists_its_tables_with_size_and_last_writer(
    lake_api: httpx2.AsyncClient,
) -> None:
    path = "/api/openlake/1.0/tables"
    first = (await lake_api.get(path, params={"schema": "lakehouse.s", "limit": 2})).json()
    (t, u) = first["tables"]
    assert (t["full_name"], t["rows"], t["writer"]["run_id"]) == ("lakehouse.s.t", 2, 77)
    # Listed, but gone when it was to be loaded.
    assert (u["name"], "rows" in u) == ("u%", False)
    more = {"schema": "lakehouse.s", "limit": 2, "page_token": first["next_page_token"]}
    last = (await lake_api.get(path, params=more)).json()
    assert [each["name"] for each in last["tables"]] + [last.get("next_page_token")] == [
        "u_1",
        None,
    ]
    for missing in ("lakehouse.none", "nowhere.s", "lakehouse"):
        assert (await lake_api.get(path, params={"schema": missing})).status_code == 404


async def test_a_table_lists_the_branches_of_runs_that_changed_it(
    api: httpx2.AsyncClient, lake_api: httpx2.AsyncClient, database: Database, shelf: Shelf
) -> None:
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    assert (await lake_api.get(f"{PAGE}/branches")).json() == {"branches": []}
    attempts = ((1, "a", "LANDED"), (2, "b", "ABANDONED"), (3, "c", "OPEN"))
    at = datetime.now(UTC)
    async with database.session() as session:
        job_id = (await session.get_one(Run, run_id)).job_id
        whole: dict[str, Any] = {"workspace_id": 1, "job_id": job_id, "run_id": run_id}
        session.add(Transaction(**whole, number=0, branch="run", base_hash="0", state="KEPT"))
        for number, key, state in attempts:
            own: dict[str, Any] = {"task_run_id": run_id + number, "branch": f"attempt_{number}"}
            facts: dict[str, Any] = {"run_id": run_id, "task_key": key, "base_hash": "0"}
            session.add(AttemptBranch(number=0, **own, **facts, state=state))
            commit: dict[str, Any] = {"table_name": "s.t", "operation": "append", "at": at}
            commit |= {"state": "committed", "snapshot_id": number}
            session.add(AttemptCommitRow(**own, **whole, **commit))
    (held,) = (await lake_api.get(f"{PAGE}/branches")).json()["branches"]
    assert (held["branch"], held["run_id"], held["state"]) == ("run", run_id, "KEPT")
    assert (held["task_keys"], held["changes"], held["landed"]) == (["a", "c"], 2, False)
    other = await lake_api.get(f"{PAGE.replace('.t', '.u')}/branches")
    assert other.status_code == 404
    eve = {"Authorization": f"Bearer {await make_token(database, await make_user(database, 'e'))}"}
    assert (await lake_api.get(f"{PAGE}/branches", headers=eve)).json() == {"branches": []}
    async with database.session() as session:
        row = await session.get_one(Transaction, (run_id, 0))
        row.dropped_at = at
        session.add(row)
    assert (await lake_api.get(f"{PAGE}/branches")).json() == {"branches": []}


async def test_a_branch_is_shown_to_the_workspace_of_its_run_while_it_is_there(
    api: httpx2.AsyncClient, lake_api: httpx2.AsyncClient, database: Database, shelf: Shelf
) -> None:
    await put_file(database, "/jobs/main.py")
    run_id = await run_now(api, await create_job(api))
    async with database.session() as session:
        run = await session.get_one(Run, run_id)
        for number, workspace, dropped in ((0, 1, None), (1, 2, None), (2, 1, datetime.now(UTC))):
            session.add(
                Transaction(
                    run_id=run_id,
                    number=number,
                    workspace_id=workspace,
                    job_id=run.job_id,
                    branch=f"run-{number}",
                    base_hash="0",
                    dropped_at=dropped,
                )
            )
    assert (await lake_api.get(PAGE, params={"branch": "run-0"})).json()["branch"] == "run-0"
    for other in ("run-1", "run-2", "run-3"):
        refused = await lake_api.get(PAGE, params={"branch": other})
        assert (refused.status_code, other in refused.text) == (404, True)
    assert (await lake_api.get(PAGE, params={"branch": "main"})).status_code == 200
    assert shelf.branches == ["run-0", "main"]


class _Server:
    """An Iceberg REST server that wants a token of its own, which it forgets."""

    def __init__(self) -> None:
        self.logins: list[str] = []
        self.good = ""

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/oauth":
            self.logins.append(request.content.decode())
            self.good = f"Bearer t{len(self.logins)}"
            return httpx2.Response(200, json={"access_token": self.good[7:], "expires_in": 3600})
        if request.headers.get("authorization") != self.good:
            return httpx2.Response(401, json={})
        if path == "/v1/config":
            assert request.url.params["warehouse"] == "w"
            return httpx2.Response(200, json={"overrides": {"prefix": "p"}})
        if path == "/v1/p/namespaces":
            second = "pageToken" in request.url.params
            content: Json = {"namespaces": [["b"]] if second else [["a"]]}
            return httpx2.Response(200, json=content | ({} if second else {"next-page-token": "x"}))
        return httpx2.Response(500)


async def test_a_rest_server_is_logged_in_to_and_read_page_by_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = _Server()
    connection = CatalogConnection.model_validate(
        {
            "type": "rest",
            "uri": "http://rest",
            "warehouse": "w",
            "credential": "me:pa:ss",
            "oauth2_server_uri": "http://rest/oauth",
        }
    )
    catalog = IcebergRest("other", connection, {})
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(server.answer))
    monkeypatch.setattr(catalog, "_client", client)
    assert await catalog.namespaces() == [("a",), ("b",)]
    server.good = "forgotten"
    assert await catalog.namespaces() == [("a",), ("b",)]
    assert len(server.logins) == 2
    assert {"client_id=me", "client_secret=pa%3Ass"} <= set(server.logins[0].split("&"))
    with pytest.raises(Unavailable, match="'other' cannot be reached: it answered 500"):
        await catalog.namespace(("a",))
    await catalog.close()
