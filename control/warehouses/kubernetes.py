"""Warehouses on Kubernetes: one Deployment each, whose replicas are its processes.

The Deployments are made by whoever installs OpenLake. The keeper scales them, by the API server's
`scale` subresource, and has their pods made anew when the warehouse was edited, by an annotation of
the pods: both as the service account of its own pod.
"""

import hashlib
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

from control.warehouses.host import CannotStart
from spec.errors import Unavailable
from spec.tasks import Engine
from spec.warehouses import Clusters, WarehouseConfig

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ANNOTATION = "openlake/warehouse"
"""Of the pods: what of the warehouse they were made from."""
_PATCH = {"Content-Type": "application/merge-patch+json"}


class KubernetesHost:
    """See `WarehouseHost`.

    Args:
        address: Of the API server, e.g. `https://10.0.0.1:443`.
        account: The folder of the service account: `token`, `namespace`, `ca.crt`.
    """

    def __init__(self, address: str, account: Path = _ACCOUNT) -> None:
        """See class."""
        authority = account / "ca.crt"
        self._account = account
        namespace = (account / "namespace").read_text().strip()
        verify = ssl.create_default_context(cafile=authority) if authority.exists() else True
        self._http = httpx2.AsyncClient(
            base_url=f"{address}/apis/apps/v1/namespaces/{namespace}/deployments",
            timeout=10,
            trust_env=False,
            verify=verify,
        )

    @classmethod
    def in_pod(cls, environment: Mapping[str, str]) -> Self:
        """Return the host of the cluster that this very process runs in.

        Raises:
            CannotStart: this is no pod, or it has no service account.
        """
        server = environment.get("KUBERNETES_SERVICE_HOST")
        if server is None or not (_ACCOUNT / "token").exists():
            raise CannotStart(
                "OPENLAKE_WAREHOUSES__HOST is 'kubernetes', but this process is in no pod with a"
                " service account; set it to 'local'"
            )
        server = f"[{server}]" if ":" in server else server
        return cls(f"https://{server}:{environment.get('KUBERNETES_SERVICE_PORT', '443')}")

    async def look(self, warehouse: WarehouseConfig) -> Clusters:
        """See base class. What is not ready counts as alive as long as it is there."""
        found = await self._ask("GET", f"/{_name(warehouse)}") or {}
        status: dict[str, Any] = found.get("status", {})
        alive, ready = status.get("replicas", 0), status.get("readyReplicas", 0)
        generation = found.get("metadata", {}).get("generation")
        is_current = status.get("observedGeneration") == generation and _made_from(found) == _mark(
            warehouse
        )
        # While pods are made anew, the old ones are ready too.
        updated = status.get("updatedReplicas", 0) if is_current else 0
        return Clusters(alive=alive, ready=min(ready, updated))

    async def scale(self, warehouse: WarehouseConfig, count: int) -> int:
        """See base class."""
        path = f"/{_name(warehouse)}"
        found = await self._ask("GET", path)
        if found is None and count:
            raise CannotStart(
                f"there is no Deployment '{_name(warehouse)}' in OpenLake's namespace; make it for"
                f" this warehouse (it runs `openlake worker warehouse {warehouse.place}`), then"
                " start the warehouse again"
            )
        if found is None:
            return 0
        if count and _made_from(found) != _mark(warehouse):
            marked = {"metadata": {"annotations": {_ANNOTATION: _mark(warehouse)}}}
            await self._ask("PATCH", path, json={"spec": {"template": marked}}, headers=_PATCH)
        now = found["spec"].get("replicas", 0)
        if now != count:
            scale = {"spec": {"replicas": count}}
            await self._ask("PATCH", f"{path}/scale", json=scale, headers=_PATCH)
        return max(0, count - now)

    async def settle(self, engines: Collection[Engine]) -> None:
        """See base class. Trino has a Deployment of its own, which is not the keeper's."""

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any] | None:
        """Return the object; None when there is none."""
        # Read anew each time: the token of a pod is replaced every hour.
        token = (self._account / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"} | request.pop("headers", {})
        try:
            answer = await self._http.request(method, path, headers=headers, **request)
        except httpx2.HTTPError as error:
            raise Unavailable(f"Kubernetes' API server does not answer: {error}") from error
        if answer.status_code == 404:
            return None
        if answer.status_code == 403:
            raise CannotStart(
                f"the service account of OpenLake may not {method} {path}; allow it 'get' and"
                " 'patch' on 'deployments', and 'patch' on 'deployments/scale'"
            )
        if answer.is_error:
            raise Unavailable(
                f"Kubernetes' API server answered {answer.status_code} to {method} {path}"
            )
        body: dict[str, Any] = answer.json()
        return body


def _made_from(deployment: dict[str, Any]) -> str | None:
    template: dict[str, Any] = deployment.get("spec", {}).get("template", {})
    return template.get("metadata", {}).get("annotations", {}).get(_ANNOTATION)


def _mark(warehouse: WarehouseConfig) -> str:
    return hashlib.sha256(warehouse.model_dump_json().encode()).hexdigest()[:16]


def _name(warehouse: WarehouseConfig) -> str:
    return f"openlake-warehouse-{warehouse.place}"
