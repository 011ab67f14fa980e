import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.gateway.stamps import CREATE_DIGEST, prepare
from spec.errors import Invalid
from tests.gateway.make import RUN, append_body, attempt_claims, principal_claims, route

COMMIT = route("POST", "namespaces/a/tables/t")
CREATE = route("POST", "namespaces/a/tables")
TRANSACTION = route("POST", "transactions/commit")
BIG = 2**63 - 1

STAMP = {
    "openlake.workspace-id": "1",
    "openlake.job-id": "5",
    "openlake.run-id": str(RUN),
    "openlake.task-run-id": str(RUN + 1),
    "openlake.task-key": "load",
    "openlake.attempt": "0",
}


def _snapshot(body: bytes) -> dict[str, Any]:
    return json.loads(body)["updates"][0]["snapshot"]


def test_a_snapshot_gets_the_stamp_and_nothing_else_changes() -> None:
    body = append_body(BIG, BIG - 1, added_records="3")
    prepared = prepare(COMMIT, "", body, attempt_claims())
    expected = json.loads(body)
    expected["updates"][0]["snapshot"]["summary"] |= STAMP | {
        "openlake.parent-snapshot-id": str(BIG - 1)
    }
    assert json.loads(prepared.body) == expected


def test_a_change_names_table_snapshot_parent_and_operation() -> None:
    body = append_body(BIG, parent=BIG - 1)
    [change] = prepare(COMMIT, "", body, attempt_claims()).changes
    assert (change.target, change.operation) == ("a.t", "append")
    assert (change.snapshot_id, change.parent_snapshot_id) == (BIG, BIG - 1)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(min_value=-(2**63), max_value=2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_every_other_value_survives_the_stamp(value: object) -> None:
    content = json.loads(append_body(1))
    content["something"] = value
    prepared = prepare(COMMIT, "", json.dumps(content).encode(), attempt_claims())
    assert repr(json.loads(prepared.body)["something"]) == repr(value)


def test_a_client_cannot_forge_the_stamp() -> None:
    body = append_body(1, None, **{"openlake.task-run-id": "99", "openlake.principal": "eve"})
    summary = _snapshot(prepare(COMMIT, "", body, attempt_claims()).body)["summary"]
    assert summary == {"operation": "append"} | STAMP


def test_a_person_is_named_by_the_stamp() -> None:
    body = append_body(1, None, **{"openlake.task-run-id": "99"})
    summary = _snapshot(prepare(COMMIT, "", body, principal_claims()).body)["summary"]
    assert summary == {
        "operation": "append",
        "openlake.workspace-id": "1",
        "openlake.principal": "ada",
    }


def test_every_table_of_a_transaction_is_stamped() -> None:
    first, second = json.loads(append_body(1)), json.loads(append_body(2))
    second["identifier"] = {"namespace": ["a", "b"], "name": "u"}
    body = json.dumps({"table-changes": [first, second]}).encode()
    prepared = prepare(TRANSACTION, "", body, attempt_claims())
    assert [(c.target, c.snapshot_id) for c in prepared.changes] == [("a.t", 1), ("a.b.u", 2)]
    for entry in json.loads(prepared.body)["table-changes"]:
        assert entry["updates"][0]["snapshot"]["summary"]["openlake.task-run-id"] == str(RUN + 1)


def test_a_commit_without_a_snapshot_passes_byte_for_byte() -> None:
    body = b'{ "updates": [ {"action":"set-properties","updates":{"x":"1e5"}} ],"requirements":[]}'
    prepared = prepare(COMMIT, "", body, attempt_claims())
    assert prepared.body == body
    assert [change.operation for change in prepared.changes] == ["alter"]


def test_a_created_table_says_who_created_it() -> None:
    body = json.dumps({"name": "t", "schema": {}, "properties": {"owner": "ada"}}).encode()
    prepared = prepare(CREATE, "", body, attempt_claims())
    properties = json.loads(prepared.body)["properties"]
    assert properties["owner"] == "ada"
    assert properties["openlake.created-by-task-run-id"] == str(RUN + 1)
    assert properties[CREATE_DIGEST] == prepared.digest
    assert [(c.target, c.operation) for c in prepared.changes] == [("a.t", "create")]


def test_a_staged_create_changes_nothing_yet() -> None:
    body = b'{"name": "t", "schema": {}, "stage-create": true}'
    prepared = prepare(CREATE, "", body, attempt_claims())
    assert prepared.changes == ()
    assert CREATE_DIGEST not in json.loads(prepared.body)["properties"]


@pytest.mark.parametrize(
    "others", [[], [{"action": "set-properties", "updates": {"owner": "ada"}}]]
)
def test_a_creating_commit_has_one_set_properties(others: list[dict[str, Any]]) -> None:
    content = {
        "requirements": [{"type": "assert-create"}],
        "updates": [{"action": "assign-uuid", "uuid": "u-1"}, *others],
    }
    prepared = prepare(COMMIT, "", json.dumps(content).encode(), attempt_claims())
    sets = [u for u in json.loads(prepared.body)["updates"] if u["action"] == "set-properties"]
    assert len(sets) == 1
    assert sets[0]["updates"]["openlake.created-by-run-id"] == str(RUN)
    [change] = prepared.changes
    assert (change.operation, change.table_uuid) == ("create", "u-1")


def test_the_digest_tells_requests_apart_and_repeats_alike() -> None:
    claims = attempt_claims()

    def digest(body: bytes, **more: Any) -> str:
        return prepare(COMMIT, "", body, more.pop("claims", claims), **more).digest

    assert digest(append_body(1)) == digest(append_body(1))
    assert digest(append_body(1)) != digest(append_body(2))
    assert digest(append_body(1)) != digest(append_body(1), claims=attempt_claims(2))
    assert digest(append_body(1), idempotency_key="k") == digest(
        append_body(2), idempotency_key="k"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b"{}",
        b'{"updates": 3}',
        b'{"updates": [{}]}',
        b'{"updates": [{"action": "add-snapshot", "snapshot": {"summary": {}}}]}',
        b'{"updates": [{"action": "add-snapshot", "snapshot": {"snapshot-id": "x"}}]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_icebergs_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        prepare(COMMIT, "", body, attempt_claims())


@pytest.mark.parametrize(
    "update",
    [
        {"action": "set-properties", "updates": {"gc.enabled": "true"}},
        {"action": "remove-properties", "removals": ["gc.enabled"]},
    ],
)
def test_no_engine_is_let_to_delete_a_tables_files(update: dict[str, Any]) -> None:
    body = json.dumps({"requirements": [], "updates": [update]}).encode()
    with pytest.raises(Invalid, match="a table_care_task does"):
        prepare(COMMIT, "", body, attempt_claims())


def test_no_table_is_created_so_that_engines_may_delete_its_files() -> None:
    table = {"name": "t", "schema": {}, "properties": {"gc.enabled": "TRUE"}}
    with pytest.raises(Invalid, match=r"'gc\.enabled' stays false"):
        prepare(CREATE, "", json.dumps(table).encode(), attempt_claims())
    table["properties"] = {"gc.enabled": "false"}
    assert prepare(CREATE, "", json.dumps(table).encode(), attempt_claims()).changes
