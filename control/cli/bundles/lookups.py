"""Finds things of the workspace by their names, for a bundle's `lookup` variables."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from control.cli.client import Api
from spec.errors import Invalid, NotFound

Entry = dict[str, Any]


def _listed(path: str, field: str, name: str, id_field: str) -> Callable[[Api, str], list[str]]:
    def find(api: Api, wanted: str) -> list[str]:
        entries = _pages(api, path, field)
        return [str(each[id_field]) for each in entries if each.get(name) == wanted]

    return find


def _pages(api: Api, path: str, field: str) -> Iterator[Entry]:
    token: str | None = None
    while True:
        page = api.get(path, page_token=token)
        yield from page.get(field, [])
        token = page.get("next_page_token")
        if not token:
            return


def _jobs(api: Api, wanted: str) -> list[str]:
    found = api.pages("/api/2.2/jobs/list", "jobs", 2, name=wanted)
    return [str(job["job_id"]) for job in found]


def _service_principals(api: Api, wanted: str) -> list[str]:
    path = "/api/2.0/preview/scim/v2/ServicePrincipals"
    name = wanted.replace("\\", "\\\\").replace('"', '\\"')
    found = api.get(path, filter=f'displayName eq "{name}"').get("Resources", [])
    return [str(each["applicationId"]) for each in found]


_FINDERS: dict[str, Callable[[Api, str], list[str]]] = {
    "alert": _listed("/api/2.0/sql/alerts", "results", "display_name", "id"),
    "cluster_policy": _listed("/api/2.0/policies/clusters/list", "policies", "name", "policy_id"),
    "instance_pool": _listed(
        "/api/2.0/instance-pools/list", "instance_pools", "instance_pool_name", "instance_pool_id"
    ),
    "job": _jobs,
    "notification_destination": _listed(
        "/api/2.0/notification-destinations", "results", "display_name", "id"
    ),
    "query": _listed("/api/2.0/sql/queries", "results", "display_name", "id"),
    "service_principal": _service_principals,
    "warehouse": _listed("/api/2.0/sql/warehouses", "warehouses", "name", "id"),
}


def find(api: Api, kind: str, name: str) -> str:
    """Return the id of the one thing of a kind that has a name.

    Raises:
        NotFound: there is none.
        Invalid: there are several.
    """
    found = _FINDERS[kind](api, name)
    word = kind.replace("_", " ")
    if not found:
        raise NotFound(f"there is no {word} named '{name}' in the workspace; mend the name")
    if len(found) > 1:
        raise Invalid(f"several have the name '{name}': {word} {', '.join(found)}; write the id")
    return found[0]


def in_path(name: str) -> str:
    """Return a name as one step of an address."""
    return quote(name, safe="")
