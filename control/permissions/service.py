"""What people do with permissions: read, replace and add to them.

What was given directly is kept; what is inherited is told: admins may do everything with every
object, and what lies in folders has the levels of all folders above it.
"""

from collections.abc import Mapping, Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.files import store as files
from control.permissions import access, entries, folders, store
from control.permissions.levels import LEVELS, MEANING, OWNED, Kind, Level, managing
from control.permissions.objects import PLACES, Target, target
from control.workspaces.principals import ADMINS
from control.workspaces.tables import Principal, PrincipalKind
from spec.api.permissions import (
    AccessControl,
    LevelDescription,
    ObjectPermissions,
    Permission,
    PermissionLevels,
    PrincipalPermissions,
)
from spec.errors import Forbidden, Invalid

_OWNED_ELSEWHERE = (Kind.QUERY, Kind.ALERT)
"""Their owner is a field of their own: permissions show it and do not change it."""

Who = tuple[str, str]
"""The field that names a principal in an answer, and its name."""


async def get(deps: Deps, caller: Caller, name: str, object_id: str) -> ObjectPermissions:
    """Return who may do what with an object.

    Raises:
        Invalid, NotFound: see `objects.target`.
        Forbidden: the caller may do nothing with it.
    """
    # Not a read session: a built-in warehouse is made when it is first asked for.
    async with deps.database.session() as session:
        found = await target(session, caller.workspace_id, name, object_id)
        await _require(session, caller, found, LEVELS[found.kind][0])
        return await shown(session, caller.workspace_id, found)


async def levels(deps: Deps, caller: Caller, name: str, object_id: str) -> PermissionLevels:
    """Return the levels that an object's type has, weakest first.

    Raises:
        Invalid, NotFound, Forbidden: as `get`.
    """
    # Not a read session: a built-in warehouse is made when it is first asked for.
    async with deps.database.session() as session:
        found = await target(session, caller.workspace_id, name, object_id)
        await _require(session, caller, found, LEVELS[found.kind][0])
    return PermissionLevels(
        permission_levels=tuple(
            LevelDescription(permission_level=each, description=_sentence(found.kind, each))
            for each in LEVELS[found.kind]
        )
    )


def _sentence(kind: Kind, held: Level) -> str:
    return f"May {MEANING[kind][held].replace('`', chr(39))}."


async def change(
    deps: Deps,
    caller: Caller,
    name: str,
    object_id: str,
    given: Sequence[AccessControl],
    *,
    replace: bool,
) -> ObjectPermissions:
    """Give permissions directly on an object.

    Args:
        deps: The collaborators.
        caller: Who must be allowed to manage the object.
        name: Its type in requests.
        object_id: Its id.
        given: To whom what; of those named, what they had is gone.
        replace: Nobody else keeps what was given directly.

    Raises:
        Invalid, NotFound: see `objects.target` and `entries.read`; or the object would not have
            exactly one owner.
        Forbidden: the caller may not manage it, or another owner is named and the caller is no
            admin.
    """
    async with deps.database.session() as session:
        found = await target(session, caller.workspace_id, name, object_id)
        await _require_managing(session, caller, found)
        await assign(session, caller, found, given, replace=replace)
        return await shown(session, caller.workspace_id, found)


async def assign(
    session: AsyncSession,
    caller: Caller,
    found: Target,
    given: Sequence[AccessControl],
    *,
    replace: bool,
) -> None:
    """Give permissions in the transaction of whoever has checked that the caller may.

    Raises:
        Invalid, NotFound, Forbidden: as `change`.
    """
    workspace_id = caller.workspace_id
    await store.lock(session, workspace_id, found.kind, found.object_id)
    rows = await store.given(session, workspace_id, found.kind, [found.object_id])
    before = {row.principal_id: Level(row.level) for row, _ in rows}
    asked = await entries.read(session, workspace_id, found.kind, given)
    wanted = {who.principal_id or 0: held for who, held in asked}
    after = wanted if replace else before | wanted
    if found.kind in _OWNED_ELSEWHERE:
        after = _with_owner(found, before, after)
    elif found.kind in OWNED:
        _check_owner(caller, found, before, after)
    await store.put(
        session,
        workspace_id,
        found.kind,
        found.object_id,
        {who: held.value for who, held in after.items()},
    )
    facts = [{**entry.named, "permission_level": entry.permission_level} for entry in given]
    deed = "permissions.replaced" if replace else "permissions.updated"
    kind, place = found.kind.value, found.object_id
    audit.record(session, caller, deed, kind, place, access_control_list=facts)


def _owner(levels: Mapping[int, Level]) -> set[int]:
    return {who for who, held in levels.items() if held is Level.IS_OWNER}


def _check_owner(
    caller: Caller, found: Target, before: Mapping[int, Level], after: Mapping[int, Level]
) -> None:
    word = "warehouse" if found.kind is Kind.WAREHOUSE else found.kind.value
    if len(_owner(after)) != 1:
        # A built-in warehouse is the stack's own: nobody has to own it.
        if not _owner(after) and not _owner(before) and found.kind is Kind.WAREHOUSE:
            return
        raise Invalid(f"The {word} must have exactly one owner.")
    if _owner(after) != _owner(before) and not caller.is_admin:
        raise Forbidden(
            f"only an admin of the workspace may change who owns {word} {found.object_id}: what"
            " it does, it does with its owner's rights"
        )


def _with_owner(
    found: Target, before: Mapping[int, Level], after: Mapping[int, Level]
) -> dict[int, Level]:
    kept = _owner(before)
    if not _owner(after) <= kept:
        raise Invalid(
            f"permissions do not change who owns a {found.kind}; set its owner_user_name, or use"
            " sql/permissions/…/transfer"
        )
    return {**after, **dict.fromkeys(kept, Level.IS_OWNER)}


async def _require(session: AsyncSession, caller: Caller, found: Target, wanted: Level) -> None:
    if found.path is not None:
        await folders.require_path(session, caller, found.path, wanted)
    else:
        await access.require(session, caller, found.kind, found.object_id, wanted)


async def _require_managing(session: AsyncSession, caller: Caller, found: Target) -> None:
    wanted = managing(found.kind)
    if wanted is not Level.CAN_MANAGE:
        access.require_admin(caller, f"change permissions on {found.shown_id}")
    await _require(session, caller, found, wanted)


# What is shown -----------------------------------------------------------------------------


async def shown(session: AsyncSession, workspace_id: int, found: Target) -> ObjectPermissions:
    """Return the permissions on an object, those given directly before those inherited."""
    held: dict[Who, list[Permission]] = {}
    names: dict[Who, str] = {}
    ids = [found.object_id]
    folder_ids = {} if found.path is None else await _folder_ids(session, workspace_id, found.path)
    rows = await store.given(session, workspace_id, found.kind, [*ids, *folder_ids])
    for row, who in sorted(rows, key=lambda each: each[0].object_id != found.object_id):
        key = _who(who)
        names[key] = who.display_name
        held.setdefault(key, []).append(_permission(found, row.object_id, row.level))
    if found.path is not None:
        await _add_standing(session, workspace_id, found, held, names)
    everywhere = _permission(found, "", managing(found.kind).value)
    held.setdefault(("group_name", ADMINS), []).append(everywhere)
    return ObjectPermissions(
        object_id=found.shown_id,
        object_type=found.kind.value,
        access_control_list=tuple(
            PrincipalPermissions(
                **{field: name},
                display_name=None if field == "group_name" else names.get((field, name)) or None,
                all_permissions=tuple(levels),
            )
            for (field, name), levels in held.items()
        ),
    )


def _who(principal: Principal) -> Who:
    return entries.FIELDS[PrincipalKind(principal.kind)], principal.user_name


def _permission(found: Target, object_id: str, held: str) -> Permission:
    if object_id == found.object_id:
        return Permission(permission_level=held)
    place = PLACES[Kind.DIRECTORY] if found.path is not None else found.place
    return Permission(
        permission_level=held, inherited=True, inherited_from_object=(f"{place}{object_id}",)
    )


async def _folder_ids(session: AsyncSession, workspace_id: int, path: str) -> dict[str, str]:
    """Return id → path of the folders that a path lies in."""
    over = folders.above(path)
    rows = await files.at(session, workspace_id, over)
    root = {folders.ROOT_ID: folders.ROOT} if over else {}
    return {**root, **{str(row.object_id): row.path for row in rows}}


async def _add_standing(
    session: AsyncSession,
    workspace_id: int,
    found: Target,
    held: dict[Who, list[Permission]],
    names: dict[Who, str],
) -> None:
    """Add what everybody may do in `/Shared`, or somebody in their home folder."""
    always = None if found.path is None else folders.standing(found.path)
    if always is None:
        return
    key, display = ("group_name", always.group_name or ""), ""
    if always.user_name is not None:
        actors = (PrincipalKind.USER, PrincipalKind.SERVICE_PRINCIPAL)
        rows = await store.named(session, workspace_id, [(k, always.user_name) for k in actors])
        if not rows:
            return
        owner = next(iter(rows.values()))
        key, display = _who(owner), owner.display_name
    top_folder = await files.find(session, workspace_id, always.path)
    place = (
        found.object_id
        if always.path == found.path
        else str(top_folder.object_id if top_folder else "")
    )
    levels = held.setdefault(key, [])
    names.setdefault(key, display)
    given = _permission(found, place, Level.CAN_MANAGE.value)
    if given not in levels:
        levels.append(given)
