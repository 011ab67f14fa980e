"""From the entries of an `access_control_list` to principals and their levels."""

from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from control.permissions import store
from control.permissions.levels import LEVELS, Kind, Level
from control.permissions.store import Named
from control.workspaces.tables import Principal, PrincipalKind
from spec.api.permissions import AccessControl
from spec.errors import Invalid, NotFound

_KINDS = {
    "user_name": PrincipalKind.USER,
    "group_name": PrincipalKind.GROUP,
    "service_principal_name": PrincipalKind.SERVICE_PRINCIPAL,
}
_WORDS = {
    PrincipalKind.USER: "user",
    PrincipalKind.GROUP: "group",
    PrincipalKind.SERVICE_PRINCIPAL: "service principal",
}
FIELDS = {kind: field for field, kind in _KINDS.items()}
"""The field that names a principal, by its kind."""


async def read(
    session: AsyncSession, workspace_id: int, kind: Kind, entries: Sequence[AccessControl]
) -> list[tuple[Principal, Level]]:
    """Return whom the entries name and what they give, each principal once.

    Raises:
        Invalid: a level is none of this kind of object, or a principal is given two levels.
        NotFound: a principal is unknown; names them all.
    """
    wanted: dict[Named, Level] = {}
    for entry in entries:
        who, held = _named(entry), _level(kind, entry.permission_level)
        if wanted.setdefault(who, held) is not held:
            raise Invalid(
                f"access_control_list gives the {_WORDS[who[0]]} '{who[1]}' both {wanted[who]} and"
                f" {held}; a principal has one level, which includes the weaker ones"
            )
    found = await store.named(session, workspace_id, wanted)
    _check_known(wanted, found)
    _check_owners(wanted)
    return [(found[who], held) for who, held in wanted.items()]


def _named(entry: AccessControl) -> Named:
    ((field, name),) = entry.named.items()
    return _KINDS[field], name


def _level(kind: Kind, text: str) -> Level:
    known = LEVELS[kind]
    if text not in known:
        raise Invalid(
            f"'{text[:60]}' is no permission level of a {kind}; the levels are {', '.join(known)}"
        )
    return Level(text)


def _check_known(wanted: Mapping[Named, Level], found: Mapping[Named, Principal]) -> None:
    unknown = [f"{_WORDS[kind]} '{name}'" for kind, name in wanted if (kind, name) not in found]
    if unknown:
        raise NotFound(f"Principal does not exist in this workspace: {', '.join(unknown)}.")


def _check_owners(wanted: Mapping[Named, Level]) -> None:
    for (kind, name), held in wanted.items():
        if held is Level.IS_OWNER and kind is PrincipalKind.GROUP:
            raise Invalid(
                f"the group '{name}' cannot be an owner; name a user or service principal, and give"
                " the group CAN_MANAGE"
            )
