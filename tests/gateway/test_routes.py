import pytest

from control.gateway.branches import branch_of
from control.gateway.configuration import describe
from control.gateway.routes import ENDPOINTS, Action, match
from spec.errors import Invalid, NotFound
from tests.gateway.make import attempt_claims, principal_claims, service_claims

ROOT = "/iceberg/v1/lakehouse"


@pytest.mark.parametrize(
    ("method", "tail", "action", "key"),
    [
        ("GET", "namespaces", Action.LIST_NAMESPACES, ()),
        ("GET", "namespaces/a%1Fb", Action.LOAD_NAMESPACE, ("a", "b")),
        ("GET", "namespaces/a%1fb/tables/t%20x", Action.LOAD_TABLE, ("a", "b", "t x")),
        ("POST", "namespaces/a/tables/t", Action.COMMIT_TABLE, ("a", "t")),
        ("POST", "namespaces/a/tables", Action.CREATE_TABLE, ("a",)),
        ("POST", "tables/rename", Action.RENAME_TABLE, ()),
        ("POST", "transactions/commit", Action.COMMIT_TRANSACTION, ()),
        ("DELETE", "namespaces/a/views/v", Action.DROP_VIEW, ("a", "v")),
    ],
)
def test_the_routes_of_the_specification_are_known(
    method: str, tail: str, action: Action, key: tuple[str, ...]
) -> None:
    found = match(method, f"{ROOT}/{tail}")
    assert (found.action, found.key, found.tail) == (action, key, tail)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/trees"),
        ("GET", "/iceberg/main/v1/lakehouse/namespaces"),
        ("GET", "/iceberg/v1/lakehouse"),
        ("PUT", f"{ROOT}/namespaces"),
        ("POST", f"{ROOT}/namespaces/a/tables/t/metrics"),
        ("GET", f"{ROOT}/namespaces/a/tables/t/credentials"),
        ("POST", "/iceberg/v1/lakehouse/s3-sign/x"),
        ("GET", f"{ROOT}/secrets"),
    ],
)
def test_nothing_else_is_served(method: str, path: str) -> None:
    with pytest.raises(NotFound):
        match(method, path)


@pytest.mark.parametrize(
    "segment", ["..", ".", "%2e%2e", "%2E", "a%2Fb", "a%5cb", "a;b", "%00", ""]
)
def test_segments_that_change_their_meaning_further_on_are_refused(segment: str) -> None:
    with pytest.raises((Invalid, NotFound)):
        match("GET", f"{ROOT}/namespaces/{segment}/tables/t")


def test_engines_know_nothing_of_branches() -> None:
    for claims in (attempt_claims(), principal_claims(), service_claims()):
        assert branch_of(claims) == "main"


def test_the_config_answer_keeps_the_catalogs_addresses_and_keys_to_itself() -> None:
    upstream = {
        "defaults": {"prefix": "main%7Clakehouse", "s3.access-key-id": "root"},
        "overrides": {
            "uri": "http://nessie/iceberg/",
            "nessie.core-base-uri": "http://nessie/api/",
            "s3.endpoint": "http://minio:9000/",
            "s3.secret-access-key": "secret",
            "s3.signer.uri": "http://nessie/iceberg/",
        },
    }
    assert describe(upstream, "lakehouse") == {
        "defaults": {
            "s3.endpoint": "http://minio:9000/",
            "rest-metrics-reporting-enabled": "false",
        },
        "overrides": {"prefix": "lakehouse"},
        "endpoints": list(ENDPOINTS),
        "idempotency-key-lifetime": "PT30M",
    }
