"""Principals as SCIM resources, and the parts of them that a client asked for; pure."""

from collections.abc import Sequence
from typing import Any, cast

from control.identity.store import Membership
from control.workspaces.tables import Principal, PrincipalKind
from spec.api.scim import GROUP, SERVICE_PRINCIPAL, USER, Group, ServicePrincipal, User

PLACES = {
    PrincipalKind.USER: "Users",
    PrincipalKind.SERVICE_PRINCIPAL: "ServicePrincipals",
    PrincipalKind.GROUP: "Groups",
}
SCHEMAS = {
    PrincipalKind.USER: USER,
    PrincipalKind.SERVICE_PRINCIPAL: SERVICE_PRINCIPAL,
    PrincipalKind.GROUP: GROUP,
}
NAMES = {PrincipalKind.USER: "userName", PrincipalKind.SERVICE_PRINCIPAL: "applicationId"}
MODELS: dict[PrincipalKind, type[User] | type[ServicePrincipal] | type[Group]] = {
    PrincipalKind.USER: User,
    PrincipalKind.SERVICE_PRINCIPAL: ServicePrincipal,
    PrincipalKind.GROUP: Group,
}
_ALWAYS = ("schemas", "id")


def resource(
    row: Principal, groups: Sequence[Membership], members: Sequence[Principal] = ()
) -> dict[str, Any]:
    """Return a principal as clients read it; fields that are empty are left out."""
    kind = PrincipalKind(row.kind)
    found: dict[str, Any] = {
        "schemas": [SCHEMAS[kind]],
        "id": str(row.principal_id),
        "externalId": row.external_id,
        "groups": [_group(each) for each in groups],
        **row.attributes,
    }
    if kind is PrincipalKind.GROUP:
        found["displayName"] = row.user_name
        found["members"] = [_member(each) for each in members]
        found["meta"] = {"resourceType": "WorkspaceGroup"}
    else:
        found[NAMES[kind]] = row.user_name
        found["displayName"] = row.display_name or row.user_name
        found["active"] = row.active
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def editable(row: Principal, members: Sequence[Principal] = ()) -> dict[str, Any]:
    """Return what a client may change of a principal, as a PUT would send it."""
    found = resource(row, (), members)
    for name in ("id", "schemas", "meta", "groups"):
        found.pop(name, None)
    return found


def attributes_of(kind: PrincipalKind) -> list[str]:
    """Return the attributes of a kind, as they are spelled on the wire."""
    fields = MODELS[kind].model_fields.values()
    return [field.alias for field in fields if field.alias is not None]


def _group(each: Membership) -> dict[str, str]:
    return {
        "value": str(each.group_id),
        "display": each.name,
        "type": "direct" if each.is_direct else "indirect",
        "$ref": f"Groups/{each.group_id}",
    }


def _member(row: Principal) -> dict[str, str]:
    place = PLACES[PrincipalKind(row.kind)]
    return {
        "value": str(row.principal_id),
        "display": row.display_name or row.user_name,
        "$ref": f"{place}/{row.principal_id}",
    }


def chosen(found: dict[str, Any], wanted: str | None, unwanted: str | None) -> dict[str, Any]:
    """Return the attributes of a resource that `attributes` and `excludedAttributes` ask for.

    Both are lists with commas; `name.givenName` picks a part. `id` and `schemas` always stay.
    """
    if wanted:
        picked = {name: found[name] for name in _ALWAYS if name in found}
        for path in _paths(wanted):
            _pick(found, picked, path)
        return picked
    left = dict(found)
    for path in _paths(unwanted or ""):
        name = _spelled(left, path[0])
        if name is None or name in _ALWAYS:
            continue
        if len(path) == 1:
            del left[name]
        else:
            left[name] = _parts(left[name], path[1], keep=False)
    return left


def _paths(text: str) -> list[list[str]]:
    plain = [each.strip().rpartition(":")[2] for each in text.split(",")]
    return [each.split(".", 1) for each in plain if each]


def _spelled(found: dict[str, Any], name: str) -> str | None:
    return next((each for each in found if each.lower() == name.lower()), None)


def _pick(found: dict[str, Any], picked: dict[str, Any], path: list[str]) -> None:
    name = _spelled(found, path[0])
    if name is None:
        return
    picked[name] = found[name] if len(path) == 1 else _parts(found[name], path[1], keep=True)


def _parts(value: Any, part: str, *, keep: bool) -> Any:
    """Return an object, or each of a list's, with or without one of its parts."""
    if isinstance(value, list):
        return [_parts(each, part, keep=keep) for each in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    items = cast(dict[str, Any], value).items()
    return {name: each for name, each in items if (name.lower() == part.lower()) is keep}
