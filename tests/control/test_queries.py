"""Saved queries as the unmodified SDK uses them, their versions, and running them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, ResourceAlreadyExists
from databricks.sdk.service import sql

from control.auth import Caller
from control.deps import Deps
from control.queries import service
from control.statements.tables import Statement
from spec.api.queries import CreateQuery, QueryFields, UpdateQuery
from spec.errors import Forbidden, NotFound
from spec.statements import StatementBody
from tests.control.conftest import Recorder
from tests.control.make import create_job, make_user, run_now
from tests.control.serving import serving
from tests.control.test_internal import open_attempt, ref
from tests.control.test_sdk import call

OWN = "/api/openlake/1.0/queries"


@pytest.fixture
async def sdk(deps: Deps, token: str) -> AsyncIterator[WorkspaceClient]:
    async with serving(deps) as url:
        yield await call(WorkspaceClient, host=url, token=token)


async def create(api: httpx2.AsyncClient, **fields: Any) -> str:
    answer = await api.post("/api/2.0/sql/queries", json={"query": fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


PARAMETERS = [
    sql.QueryParameter(name="region", title="Region", text_value=sql.TextValue("north")),
    sql.QueryParameter(name="least", numeric_value=sql.NumericValue(2.5)),
    sql.QueryParameter(
        name="span",
        date_range_value=sql.DateRangeValue(
            date_range_value=sql.DateRange("2024-01-01", "2024-01-31"),
            precision=sql.DatePrecision.DAY_PRECISION,
        ),
    ),
    sql.QueryParameter(
        name="at",
        date_value=sql.DateValue(dynamic_date_value=sql.DateValueDynamicDate.NOW),
    ),
    sql.QueryParameter(
        name="some",
        enum_value=sql.EnumValue(
            enum_options="a\nb",
            values=["a", "b"],
            multi_values_options=sql.MultiValuesOptions(prefix="'", separator=",", suffix="'"),
        ),
    ),
]


async def test_the_sdk_reads_back_what_it_wrote(sdk: WorkspaceClient) -> None:
    made = await call(
        sdk.queries.create,
        query=sql.CreateQueryRequestQuery(
            display_name="daily",
            description="Once a day.",
            query_text="SELECT :region",
            warehouse_id="duckdb",
            tags=["x"],
            catalog="lakehouse",
            schema="shop",
            run_as_mode=sql.RunAsMode.OWNER,
            apply_auto_limit=True,
            parent_path="/Workspace/Shared/reports",
            parameters=PARAMETERS,
        ),
    )
    assert made.id is not None
    read = await call(sdk.queries.get, made.id)
    assert read == made
    assert read.parameters is not None
    assert [each.name for each in read.parameters] == ["region", "least", "span", "at", "some"]
    assert read.parameters[1].numeric_value == sql.NumericValue(2.5)
    assert read.parameters[4].enum_value is not None
    assert read.parameters[4].enum_value.values == ["a", "b"]
    assert (read.catalog, read.schema, read.parent_path) == ("lakehouse", "shop", "/Shared/reports")
    assert (read.run_as_mode, read.apply_auto_limit) == (sql.RunAsMode.OWNER, True)
    listed = await call(lambda: list(sdk.queries.list()))
    assert [(each.id, each.schema) for each in listed] == [(made.id, "shop")]


async def test_an_update_changes_what_its_mask_names(sdk: WorkspaceClient) -> None:
    made = await call(
        sdk.queries.create,
        query=sql.CreateQueryRequestQuery(
            display_name="daily", query_text="SELECT 1", schema="shop", parameters=PARAMETERS
        ),
    )
    assert made.id is not None

    async def update(mask: str, **fields: Any) -> sql.Query:
        query = sql.UpdateQueryRequestQuery(**fields)
        return await call(sdk.queries.update, made.id or "", mask, query=query)

    changed = await update("query_text,schema", query_text="SELECT 2", display_name="ignored")
    assert (changed.query_text, changed.schema, changed.display_name) == ("SELECT 2", None, "daily")
    changed = await update("*", display_name="weekly", parameters=PARAMETERS[:1])
    assert (changed.display_name, changed.query_text) == ("weekly", "SELECT 2")
    assert [each.name for each in changed.parameters or []] == ["region"]
    with pytest.raises(InvalidParameterValue, match="no field parent_path, wrong that can be"):
        await update("wrong,parent_path", query_text="x")
    with pytest.raises(InvalidParameterValue, match="give the query's display_name a value"):
        await update("display_name")
    with pytest.raises(InvalidParameterValue, match="there is no user 'nobody"):
        await update("owner_user_name", owner_user_name="nobody@example.com")


async def test_names_are_unique_in_a_folder(sdk: WorkspaceClient) -> None:
    async def make(name: str | None, folder: str | None = None, resolve: bool = False) -> sql.Query:
        query = sql.CreateQueryRequestQuery(display_name=name, parent_path=folder)
        return await call(sdk.queries.create, query=query, auto_resolve_display_name=resolve)

    first = await make("daily")
    assert first.id is not None
    assert (await make("daily", "/Shared")).display_name == "daily"
    with pytest.raises(ResourceAlreadyExists, match="there is a query 'daily' in /Users/admin"):
        await make("daily")
    assert (await make("daily", resolve=True)).display_name == "daily (1)"
    assert (await make("daily", resolve=True)).display_name == "daily (2)"
    assert [(await make(None)).display_name for _ in range(2)] == ["New query", "New query (1)"]
    await call(sdk.queries.delete, first.id)
    assert (await make("daily")).display_name == "daily"


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"name": "my day", "text_value": {}}, "parameters[0].name"),
        ({"name": "a"}, "needs exactly one of text_value"),
        ({"name": "a", "text_value": {}, "numeric_value": {}}, "needs exactly one of"),
        ({"name": "a", "query_backed_value": {"query_id": "none"}}, "no saved query 'none'"),
        ({"name": "a", "date_value": {"date_value": "soon"}}, "'soon' is not a date"),
        (
            {"name": "a", "enum_value": {"enum_options": "x", "values": ["y"]}},
            "not among the 'enum_options'",
        ),
        (
            {"name": "a", "enum_value": {"enum_options": "x\ny", "values": ["x", "y"]}},
            "several values need 'multi_values_options'",
        ),
        ({"name": "a", "text_value": {"value": "\0"}}, "a NUL character"),
        ({"name": "a", "text_value": {"wrong": 1}}, "this field is not known"),
    ],
)
async def test_a_parameter_that_cannot_work_is_refused(
    api: httpx2.AsyncClient, parameter: dict[str, Any], message: str
) -> None:
    body = {"query": {"query_text": "SELECT 1", "parameters": [parameter]}}
    answer = await api.post("/api/2.0/sql/queries", json=body)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["message"]


async def test_a_parameter_may_take_its_values_from_another_query(api: httpx2.AsyncClient) -> None:
    source = await create(api, query_text="SELECT region FROM shops")
    backed = {"name": "region", "query_backed_value": {"query_id": source, "values": ["north"]}}
    query_id = await create(api, query_text="SELECT :region", parameters=[backed])
    read = (await api.get(f"/api/2.0/sql/queries/{query_id}")).json()
    assert read["parameters"] == [{"title": "", **backed}]


# Versions -----------------------------------------------------------------------------------


async def test_every_change_is_a_version(api: httpx2.AsyncClient) -> None:
    query_id = await create(api, display_name="daily", query_text="SELECT 1")
    path = f"/api/2.0/sql/queries/{query_id}"

    async def patch(**fields: Any) -> None:
        answer = await api.patch(path, json={"query": fields, "update_mask": "*"})
        assert answer.status_code == 200, answer.text

    await patch(query_text="SELECT :a", parameters=[{"name": "a", "text_value": {"value": "x"}}])
    await patch(query_text="SELECT :a")
    await patch(parameters=[{"name": "a", "text_value": {"value": "y"}}])
    listed = (await api.get(f"{OWN}/{query_id}/versions")).json()["versions"]
    assert [(each["version"], each["cause"]) for each in listed] == [
        (3, "updated"),
        (2, "updated"),
        (1, "created"),
    ], "what changes nothing is no version"
    second = (await api.get(f"{OWN}/{query_id}/versions/2")).json()
    assert (second["query"]["query_text"], second["editor"]) == (
        "SELECT :a",
        "admin@openlake.local",
    )
    told = (await api.get(f"{OWN}/{query_id}/versions/3/diff")).json()
    assert told["changes"] == [
        {"path": "parameters[a].text_value.value", "before": "x", "after": "y"}
    ]
    told = (await api.get(f"{OWN}/{query_id}/versions/3/diff", params={"against": 1})).json()
    assert [each["path"] for each in told["changes"]] == ["query_text", "parameters"]
    restored = (await api.post(f"{OWN}/{query_id}/versions/1/restore")).json()
    assert restored == {"query_id": query_id, "version": 4}
    read = (await api.get(path)).json()
    assert (read["query_text"], read["parameters"]) == ("SELECT 1", [])
    again = (await api.post(f"{OWN}/{query_id}/versions/1/restore")).json()
    assert again["version"] == 4
    page = (await api.get(f"{OWN}/{query_id}/versions", params={"limit": 3})).json()
    rest = {"limit": 3, "page_token": page["next_page_token"]}
    last = (await api.get(f"{OWN}/{query_id}/versions", params=rest)).json()
    assert [each["version"] for each in last["versions"]] == [1]
    assert "next_page_token" not in last
    for number in (0, 5, 10**12):
        answer = await api.get(f"{OWN}/{query_id}/versions/{number}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


async def test_a_query_of_another_workspace_is_not_there(deps: Deps, caller: Caller) -> None:
    made = await service.create(deps, caller, CreateQuery(query=QueryFields()))
    with pytest.raises(NotFound):
        await service.get(deps, Caller.acting_for(caller.workspace_id + 1, "x"), made.id)


async def test_who_runs_as_the_owner_is_written_by_the_owner_alone(
    deps: Deps, caller: Caller
) -> None:
    bob = Caller.acting_for(caller.workspace_id, "bob@example.com")
    fields = QueryFields(query_text="SELECT 1", run_as_mode="OWNER")
    mine = await service.create(deps, caller, CreateQuery(query=fields))
    change = UpdateQuery.model_validate({"query": {"query_text": "SELECT 2"}, "update_mask": "*"})
    with pytest.raises(Forbidden, match="who alone may change it"):
        await service.update(deps, bob, mine.id, change)
    his = await service.create(deps, bob, CreateQuery(query=QueryFields(run_as_mode="OWNER")))
    given = {"query": {"owner_user_name": caller.user_name}, "update_mask": "owner_user_name"}
    with pytest.raises(Forbidden, match="cannot be given away"):
        await service.update(deps, bob, his.id, UpdateQuery.model_validate(given))


# Running ------------------------------------------------------------------------------------


async def sent(deps: Deps, answer: httpx2.Response) -> tuple[Statement, StatementBody]:
    """Return the statement that a run has made, and what was sent."""
    assert answer.status_code == 200, answer.text
    statement_id = answer.json()["statement_id"]
    async with deps.database.read_session() as session:
        row = await session.get_one(Statement, statement_id)
    body = deps.sealer.unseal(row.body or "", table="statements", row=statement_id)
    return row, StatementBody.model_validate_json(body)


async def test_a_run_binds_defaults_and_given_values(api: httpx2.AsyncClient, deps: Deps) -> None:
    query_id = await create(
        api,
        query_text="SELECT * FROM t WHERE r = '{{ region }}' AND n >= :least AND s IN (:some)"
        " AND d BETWEEN :span.min AND :span.max",
        parameters=[each.as_dict() for each in PARAMETERS],
        catalog="lakehouse",
        schema="shop",
        apply_auto_limit=True,
    )
    given = {"region": "it's", "least": 3, "some": ["b"]}
    order = {"parameters": given, "wait_timeout": "0s", "schema": "other"}
    answer = await api.post(f"{OWN}/{query_id}/run", json=order)
    row, body = await sent(deps, answer)
    assert body.text == (
        "SELECT * FROM t WHERE r = :region AND n >= :least AND s IN (:some_1)"
        " AND d BETWEEN :span_min AND :span_max"
    )
    assert [(each.name, each.type, each.value) for each in body.parameters] == [
        ("region", "STRING", "it's"),
        ("least", "BIGINT", "3"),
        ("some_1", "STRING", "b"),
        ("span_min", "DATE", "2024-01-01"),
        ("span_max", "DATE", "2024-01-31"),
    ]
    assert (row.warehouse_id, row.catalog, row.schema_name) == ("duckdb", "lakehouse", "other")
    assert (row.row_limit, row.query_tags) == (
        1000,
        [{"key": "openlake.query_id", "value": query_id}],
    )
    assert row.client.startswith("python-httpx")


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({}, "the query's parameter 'needed' has no default; give it a value"),
        ({"parameters": {"needed": "x", "other": 1}}, "no parameter 'other'; it has needed"),
        ({"parameters": {"needed": True}}, "parameters"),
        ({"parameters": {"needed": ["x"]}}, "takes one value, not a list"),
        ({"parameters": {"needed": "x"}, "format": "CSV"}, "the disposition INLINE"),
        ({"parameters": {"needed": "x"}, "warehouse_id": "0123456789abcdef"}, "does not exist"),
    ],
)
async def test_a_run_that_cannot_be_is_refused(
    api: httpx2.AsyncClient, order: dict[str, Any], message: str
) -> None:
    needed = {"name": "needed", "text_value": {}}
    query_id = await create(api, query_text="SELECT :needed", parameters=[needed])
    answer = await api.post(f"{OWN}/{query_id}/run", json=order)
    assert answer.status_code in (400, 404), answer.text
    assert message in answer.json()["message"]


async def test_a_query_runs_with_its_owners_rights_when_it_says_so(
    api: httpx2.AsyncClient, deps: Deps, caller: Caller
) -> None:
    bob = await make_user(deps.database, "bob@example.com")
    for mode, user in (("VIEWER", caller.user_name), ("OWNER", bob.user_name)):
        fields = QueryFields(query_text="SELECT 1", run_as_mode=mode)  # pyright: ignore[reportArgumentType]
        made = await service.create(deps, bob, CreateQuery(query=fields))
        answer = await api.post(f"{OWN}/{made.id}/run", json={"wait_timeout": "0s"})
        row, _ = await sent(deps, answer)
        assert row.user_name == user


async def test_a_trashed_query_does_not_run(api: httpx2.AsyncClient) -> None:
    query_id = await create(api, query_text="SELECT 1")
    await api.delete(f"/api/2.0/sql/queries/{query_id}")
    answer = await api.post(f"{OWN}/{query_id}/run")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


# In jobs ------------------------------------------------------------------------------------


async def test_a_task_runs_the_query_as_pinned_with_its_jobs_parameters(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> None:
    query_id = await create(
        api,
        query_text="SELECT :region, :least, :span.min, {{ free }} WHERE s IN (:some)",
        parameters=[
            *(each.as_dict() for each in PARAMETERS),
            {"name": "free", "text_value": {"value": "default"}},
        ],
        schema="shop",
    )
    task = {
        "task_key": "q",
        "sql_task": {
            "warehouse_id": "duckdb",
            "query": {"query_id": query_id},
            "parameters": {"region": "of the task", "least": "7", "some": '["b"]'},
        },
    }
    parameters = [{"name": "region", "default": "of the job"}]
    job_id = await create_job(api, tasks=[task], parameters=parameters)
    run_id = await run_now(api, job_id)
    changed = {"query": {"query_text": "SELECT 0"}, "update_mask": "query_text"}
    await api.patch(f"/api/2.0/sql/queries/{query_id}", json=changed)
    program = (await open_attempt(worker, ref(launcher.plans[run_id], 1, "q"))).json()["program"]
    assert program["text"] == (
        "SELECT :region, CAST(:least AS BIGINT), CAST(:span_min AS DATE), :free"
        " WHERE s IN (:some_1)"
    )
    assert program["parameters"] == {
        "region": "of the job",
        "least": "7",
        "span_min": "2024-01-01",
        "free": "default",
        "some_1": "b",
    }
    assert program["schema_name"] == "shop"


async def test_an_alerts_query_has_its_parameters_too(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> None:
    parameters = [{"name": "n", "numeric_value": {"value": 3}}]
    query_id = await create(api, query_text="SELECT :n AS n", parameters=parameters)
    condition = {
        "op": "GREATER_THAN",
        "operand": {"column": {"name": "n"}},
        "threshold": {"value": {"double_value": 1}},
    }
    alert = {"alert": {"display_name": "a", "query_id": query_id, "condition": condition}}
    alert_id = (await api.post("/api/2.0/sql/alerts", json=alert)).json()["id"]
    task = {
        "task_key": "q",
        "sql_task": {"warehouse_id": "duckdb", "alert": {"alert_id": alert_id}},
    }
    run_id = await run_now(api, await create_job(api, tasks=[task]))
    program = (await open_attempt(worker, ref(launcher.plans[run_id], 1, "q"))).json()["program"]
    assert (program["text"], program["parameters"]) == (
        "SELECT CAST(:n AS BIGINT) AS n",
        {"n": "3"},
    )


async def test_a_value_that_does_not_fit_fails_the_attempt_with_its_name(
    api: httpx2.AsyncClient, worker: httpx2.AsyncClient, launcher: Recorder
) -> None:
    parameters = [{"name": "n", "numeric_value": {"value": 3}}]
    query_id = await create(api, query_text="SELECT :n", parameters=parameters)
    sql_task = {"warehouse_id": "duckdb", "query": {"query_id": query_id}}
    task = {"task_key": "q", "sql_task": sql_task | {"parameters": {"n": "many"}}}
    run_id = await run_now(api, await create_job(api, tasks=[task]))
    answer = await open_attempt(worker, ref(launcher.plans[run_id], 1, "q"))
    assert (answer.status_code, json.loads(answer.text)["message"]) == (
        400,
        "parameter 'n': 'many' is not a number",
    )
