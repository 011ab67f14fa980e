"""Every operation of the API as a user without any permission: refused, or empty, or for everybody.

An operation that is not named here fails the test: whoever adds one says what it needs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2

from control.app import create_routes
from control.deps import Deps
from tests.control.acting import Person, person
from tests.control.make import create_job, put_file, run_now, settings

WORDS = str.split

EMPTY = WORDS(
    """
    list_jobs list_runs list_transactions list_queries list_query_history list_alerts
    list_deliveries list_secret_scopes list_cluster_policies list_instance_pools
    list_deployments list_legacy_queries list_legacy_alerts list_job_overviews
    """
)
"""Lists: without a permission there is nothing in them."""

OLDER_ALERT = {
    "name": "a",
    "query_id": "{query_id}",
    "options": {"column": "x", "op": "==", "value": 1},
}
REFUSED: dict[str, dict[str, Any]] = {
    # Workspace files.
    "import_file": {"json": {"path": "/jobs/new", "content": "YQ==", "format": "RAW"}},
    "export_file": {"params": {"path": "/jobs/main.py"}},
    "list_folder": {"params": {"path": "/jobs"}},
    "get_status": {"params": {"path": "/jobs/main.py"}},
    "make_folders": {"json": {"path": "/jobs/deeper"}},
    "delete_path": {"json": {"path": "/jobs/main.py"}},
    # Jobs and runs.
    "get_job": {"params": {"job_id": "{job_id}"}},
    "reset_job": {"json": {"job_id": "{job_id}", "new_settings": settings()}},
    "update_job": {"json": {"job_id": "{job_id}"}},
    "delete_job": {"json": {"job_id": "{job_id}"}},
    "check_job": {"json": {"text": "name: a", "job_id": "{job_id}"}},
    "run_now": {"json": {"job_id": "{job_id}"}},
    "get_run": {"params": {"run_id": "{run_id}"}},
    "get_output": {"params": {"run_id": "{run_id}"}},
    "repair_run": {"json": {"run_id": "{run_id}", "rerun_tasks": ["a"]}},
    "export_run": {"params": {"run_id": "{run_id}"}},
    "cancel_run": {"json": {"run_id": "{run_id}"}},
    "cancel_all_runs": {"json": {"job_id": "{job_id}"}},
    "delete_run": {"json": {"run_id": "{run_id}"}},
    "start_backfill": {"json": {"first": "2024-01-01", "last": "2024-01-02"}},
    # SQL.
    "update_query": {"json": {"query": {"description": "x"}, "update_mask": "description"}},
    "create_alert": {
        "json": {
            "alert": {
                "display_name": "a",
                "query_id": "{query_id}",
                "condition": {
                    "op": "EQUAL",
                    "operand": {"column": {"name": "x"}},
                    "threshold": {"value": {"double_value": 1}},
                },
            }
        }
    },
    "update_alert": {"json": {"alert": {"display_name": "b"}, "update_mask": "display_name"}},
    "create_legacy_alert": {"json": OLDER_ALERT},
    "update_legacy_alert": {"json": OLDER_ALERT},
    "update_legacy_query": {"json": {"name": "b"}},
    "execute_statement": {"json": {"statement": "SELECT 1", "warehouse_id": "{warehouse_id}"}},
    "edit_warehouse": {"json": {"auto_stop_mins": 30}},
    # Who may do what.
    "set_permissions": {"json": {}},
    "update_permissions": {"json": {}},
    "set_sql_permissions": {"json": {}},
    "update_sql_permissions": {"json": {}},
    "set_dbsql_permissions": {"json": {}},
    "transfer_dbsql_ownership": {"json": {"new_owner": "nobody@x"}},
    # Notices and secrets.
    "create_notification_destination": {
        "json": {"display_name": "d", "config": {"email": {"addresses": ["a@b.example"]}}}
    },
    "update_notification_destination": {"json": {"display_name": "e"}},
    "delete_secret_scope": {"json": {"scope": "s"}},
    "put_secret": {"json": {"scope": "s", "key": "k", "string_value": "v"}},
    "list_secrets": {"params": {"scope": "s"}},
    "delete_secret": {"json": {"scope": "s", "key": "k"}},
    "put_secret_acl": {"json": {"scope": "s", "principal": "nobody@x", "permission": "READ"}},
    "get_secret_acl": {"params": {"scope": "s", "principal": "nobody@x"}},
    "list_secret_acls": {"params": {"scope": "s"}},
    "delete_secret_acl": {"json": {"scope": "s", "principal": "nobody@x"}},
}
"""Requests that are answered with 403 or 404; `{name}` stands for the id of an object."""

PLAIN = WORDS(
    """
    get_job_overview get_job_matrix get_run_timeline
    list_job_versions get_job_version diff_job_versions restore_job_version list_backfills
    get_backfill cancel_backfill rerun_backfill follow_run replay_run get_transaction
    drop_transaction get_run_settings list_run_tables get_evidence get_task_output get_artifacts
    get_log follow_log get_run_lineage get_query trash_query run_query list_query_versions
    get_query_version diff_query_versions restore_query_version get_alert trash_alert
    get_legacy_alert trash_legacy_alert
    get_statement get_statement_result_chunk cancel_statement get_warehouse delete_warehouse
    start_warehouse stop_warehouse get_permissions get_permission_levels get_sql_permissions
    get_sql_permission_levels get_dbsql_permissions list_audit delete_notification_destination
    renew_signing_secret test_notification_destination get_delivery retry_delivery
    close_statement follow_statement get_statement_rows download_statement
    get_legacy_query trash_legacy_query restore_legacy_query
    """
)
"""The same, of requests that need no more than their path."""

EVERYBODY: dict[str, str] = {
    "their own: who makes something owns it": """
        create_job submit_run create_query create_legacy_query create_warehouse
        create_secret_scope create_upload load_upload create_token list_tokens delete_token
        update_token create_session delete_session begin_deployment sign_in list_sessions sign_out
        create_sign_in_code""",
    "who one is, and how the stack is": """
        me host_config read_health read_metrics get_console_settings preview_schedule""",
    "runs that one may see; test_console_events has the others": "follow_workspace",
    "the directory of people, as in Databricks; test_identity has who may change it": """
        list_users get_user create_user replace_user patch_user delete_user
        list_service_principals get_service_principal create_service_principal
        replace_service_principal patch_service_principal delete_service_principal list_groups
        get_group create_group replace_group patch_group delete_group create_obo_token
        list_all_tokens get_any_token update_any_token delete_any_token create_workspace
        list_workspaces get_workspace update_workspace delete_workspace list_members add_member
        remove_member create_member_token""",
    "tables, volumes and uploads have no permissions yet": """
        list_catalogs get_catalog list_schemas get_schema list_tables get_table table_exists
        list_table_summaries list_schema_tables get_table_page list_table_snapshots get_table_diff
        get_table_row_diff
        list_table_partitions list_table_files list_table_branches sample_table get_table_lineage
        get_lineage_map get_lineage_impact get_column_lineage collect_event
        list_uploads get_upload create_volume list_volumes get_volume update_volume delete_volume
        upload_file download_file get_file_metadata delete_file upload_file_in_parts
        create_directory list_directory get_directory_metadata delete_directory
        create_upload_part_urls create_abort_upload_url create_download_url upload_part
        abort_upload download_content put_dbfs_file read_dbfs_file list_dbfs get_dbfs_status
        make_dbfs_folders delete_dbfs_path move_dbfs_path create_dbfs_handle add_dbfs_block
        close_dbfs_handle list_functions get_function get_metastore_assignment
        get_metastore_summary list_metastores get_metastore get_grants get_effective_grants
        create_schema delete_schema delete_table""",
    "the stack's compute; policies and pools have their own tests": """
        create_cluster_policy edit_cluster_policy delete_cluster_policy get_cluster_policy
        get_cluster_compliance list_cluster_compliance get_job_compliance list_job_compliance
        list_policy_families
        get_policy_family create_instance_pool edit_instance_pool delete_instance_pool
        get_instance_pool get_cluster list_clusters list_spark_versions list_node_types list_zones
        list_cluster_events start_cluster get_cluster_libraries list_cluster_libraries""",
    "built-in warehouses are everybody's; settings of warehouses have their own tests": """
        list_warehouses get_workspace_warehouse_config set_workspace_warehouse_config
        list_data_sources""",
    "named without their secrets": """
        list_notification_destinations get_notification_destination""",
    "values are given to attempts of runs only": "get_secret",
    "deployments have their own tests": """
        get_deployment record_deployment finish_deployment""",
}
"""What everybody may ask, or what another test asks; by the reason."""


class Operation(NamedTuple):
    """One operation of the OpenAPI document."""

    name: str
    method: str
    path: str


def operations() -> Iterator[Operation]:
    """Yield every operation of the API."""
    for path, methods in create_routes().openapi()["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "patch", "delete", "head"):
                yield Operation(operation["operationId"], method.upper(), path)


def test_every_operation_says_what_it_needs() -> None:
    known = {*REFUSED, *PLAIN, *EMPTY, *WORDS(" ".join(EVERYBODY.values()))}
    names = {each.name for each in operations() if "/mlflow" not in each.path}
    assert sorted(names - known) == [], "say in this file who may do it"


Ids = dict[str, Any]


async def made(api: httpx2.AsyncClient, deps: Deps) -> Ids:
    """Make one object of each kind as the admin; return their ids."""
    await put_file(deps.database, "/jobs/main.py")
    job_id = await create_job(api)
    run_id = await run_now(api, job_id)
    query = {"query": {"display_name": "q", "query_text": "SELECT 1"}}
    query_id = (await api.post("/api/2.0/sql/queries", json=query)).json()["id"]
    body = {"name": "w", "cluster_size": "Small"}
    warehouse_id = (await api.post("/api/2.0/sql/warehouses", json=body)).json()["id"]
    alert = REFUSED["create_alert"]["json"]["alert"] | {"query_id": query_id}
    alert_id = (await api.post("/api/2.0/sql/alerts", json={"alert": alert})).json()["id"]
    order = {"statement": "SELECT 1", "warehouse_id": warehouse_id, "wait_timeout": "0s"}
    statement = (await api.post("/api/2.0/sql/statements", json=order)).json()
    place = REFUSED["create_notification_destination"]
    target = (await api.post("/api/2.0/notification-destinations", **place)).json()
    await api.post("/api/2.0/secrets/scopes/create", json={"scope": "s"})
    await api.post("/api/2.0/secrets/put", **REFUSED["put_secret"])
    return {
        "job_id": job_id,
        "run_id": run_id,
        "task_run_id": run_id + 1,
        "query_id": query_id,
        "warehouse_id": warehouse_id,
        "alert_id": alert_id,
        "statement_id": statement["statement_id"],
        "destination_id": target["id"],
        "chunk_index": 0,
        "backfill_id": 1,
        "delivery_id": 1,
        "object_type": "queries",
        "object_id": query_id,
    }


def filled(value: Any, ids: Ids) -> Any:
    """Return a request with ids in the place of their names."""
    if isinstance(value, dict):
        return {key: filled(each, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        return ids[value[1:-1]]
    return value


async def ask(who: Person, operation: Operation, ids: Ids) -> httpx2.Response:
    """Send one operation's request."""
    version = "2.2" if operation.path.startswith("/api/{version}") else 1
    path = operation.path.format(**ids, version=version)
    return await who(operation.method, path, **filled(REFUSED.get(operation.name, {}), ids))


async def test_who_has_no_permission_sees_and_does_nothing(
    api: httpx2.AsyncClient, deps: Deps
) -> None:
    ids = await made(api, deps)
    nobody = await person(api, deps, "nobody@x")
    wrong: list[str] = []
    for operation in operations():
        if operation.name in REFUSED or operation.name in PLAIN:
            answer = await ask(nobody, operation, ids)
            if answer.status_code not in (403, 404):
                wrong.append(f"{operation.name}: {answer.status_code} {answer.text[:200]}")
        elif operation.name in EMPTY:
            answer = await ask(nobody, operation, ids)
            found = answer.json()
            parts = [found] if isinstance(found, list) else found.values()
            lists = [each for each in parts if isinstance(each, list)]
            if answer.status_code != 200 or any(lists):
                wrong.append(f"{operation.name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
    # Nothing that was refused has happened.
    assert (await api.get("/api/2.2/jobs/get", params={"job_id": ids["job_id"]})).status_code == 200
    found = (await api.get("/api/2.0/sql/warehouses")).json()["warehouses"]
    mine = (await nobody("GET", "/api/2.0/sql/warehouses")).json()["warehouses"]
    assert {each["id"] for each in found} - {each["id"] for each in mine} == {ids["warehouse_id"]}
