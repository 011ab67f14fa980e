"""Who may do what with what a bundle deploys: reads it, and makes it so.

Whoever deploys owns what it makes; the owner is neither compared nor taken away.
"""

from collections.abc import Mapping

from control.cli.client import Api
from spec.bundle_resources import Resource
from spec.errors import NotFound

_NAMES = ("user_name", "group_name", "service_principal_name")


class Permissions:
    """Permissions of objects, and of secret scopes, as one person sees them."""

    def __init__(self, api: Api, me: str) -> None:
        """See class; `me` is whoever deploys."""
        self._api = api
        self._me = me

    def read(self, kind: str, object_id: str) -> dict[str, str]:
        """Return whom a level is given directly: `user_name ann` → level; without the owner.

        Args:
            kind: The type under `/api/2.0/permissions`, or `secret_scopes`.
            object_id: Of the object.
        """
        return {
            whom: level
            for whom, level in self._given(kind, object_id).items()
            if not self._is_owners(whom, level)
        }

    def wanted(self, resource: Resource) -> dict[str, str]:
        """Return what is to be given, as `read` spells it; without the owner."""
        # The list of a scope does not tell users from groups.
        of_scope = resource.at.kind == "secret_scopes"
        return {
            whom: each.permission_level
            for each in resource.permissions
            for field, name in each.named.items()
            if not self._is_owners(whom := f"{'principal' if of_scope else field} {name}", "")
        }

    def write(self, kind: str, object_id: str, given: Mapping[str, str]) -> None:
        """Give these levels and no others; the owner keeps its own."""
        if kind == "secret_scopes":
            self._write_scope(object_id, given)
            return
        kept = {
            whom: level
            for whom, level in self._given(kind, object_id).items()
            if self._is_owners(whom, level)
        }
        entries = [
            {whom.split(" ", 1)[0]: whom.split(" ", 1)[1], "permission_level": level}
            for whom, level in {**kept, **given}.items()
        ]
        self._api.put(f"/api/2.0/permissions/{kind}/{object_id}", {"access_control_list": entries})

    def _is_owners(self, whom: str, level: str) -> bool:
        return whom.split(" ", 1)[1] == self._me or level == "IS_OWNER"

    def _given(self, kind: str, object_id: str) -> dict[str, str]:
        if kind == "secret_scopes":
            return self._given_on_scope(object_id)
        answer = self._api.get(f"/api/2.0/permissions/{kind}/{object_id}")
        return {
            f"{name} {each[name]}": held["permission_level"]
            for each in answer.get("access_control_list", [])
            for name in _NAMES
            if each.get(name)
            for held in each.get("all_permissions", [])
            if not held.get("inherited")
        }

    def _given_on_scope(self, scope: str) -> dict[str, str]:
        answer = self._api.get("/api/2.0/secrets/acls/list", scope=scope)
        return {f"principal {e['principal']}": e["permission"] for e in answer.get("items", [])}

    def _write_scope(self, scope: str, given: Mapping[str, str]) -> None:
        now = self.read("secret_scopes", scope)
        for whom, level in given.items():
            if now.get(whom) != level:
                body = {"scope": scope, "principal": whom.split(" ", 1)[1], "permission": level}
                self._api.post("/api/2.0/secrets/acls/put", body)
        for whom in now.keys() - given.keys():
            try:
                body = {"scope": scope, "principal": whom.split(" ", 1)[1]}
                self._api.post("/api/2.0/secrets/acls/delete", body)
            except NotFound:
                continue
