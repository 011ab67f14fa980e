"""What may be done to users, service principals and groups; every change needs an admin.

A PATCH is a PUT of the resource that its steps make, so there is one way to change a principal.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.errors import place, reason
from control.files import store as files
from control.identity import filters, scim, store
from control.identity.errors import Immutable, NameTaken
from control.identity.patches import patched
from control.permissions.access import require_admin
from control.workspaces.principals import ADMINS, USERS
from control.workspaces.tables import Principal, PrincipalKind
from spec.api.scim import MOST_RESULTS, Group, Page, Patch, ServicePrincipal, User, Value
from spec.errors import Invalid

Resource = User | ServicePrincipal | Group

BUILT_IN = (ADMINS, USERS)
"""Groups that every workspace has: they keep their names and cannot be deleted."""

_DEED = "change users, service principals and groups"
_KEPT = ("name", "emails", "entitlements", "roles")


@dataclass(frozen=True)
class Listing:
    """What a client asked of a list or a resource."""

    filter: str | None = None
    start_index: int = 1
    count: int = MOST_RESULTS
    sort_by: str | None = None
    sort_order: Literal["ascending", "descending"] = "ascending"
    attributes: str | None = None
    excluded_attributes: str | None = None

    def part(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return what of a resource was asked for."""
        return scim.chosen(found, self.attributes, self.excluded_attributes)


async def list_principals(
    deps: Deps, caller: Caller, kind: PrincipalKind, listing: Listing
) -> Page:
    """Return one page of principals; past the end it is empty.

    Raises:
        InvalidFilter: the filter or the sort key cannot be read.
    """
    start = max(1, listing.start_index)
    order = []
    if listing.sort_by:
        column = filters.column_of(kind, listing.sort_by)
        is_down = listing.sort_order == "descending"
        order = [(column.desc() if is_down else column.asc()).nulls_last()]
    async with deps.database.read_session() as session:
        rows, total = await store.page(
            session,
            caller.workspace_id,
            kind,
            filters.condition(kind, listing.filter),
            order,
            offset=start - 1,
            limit=min(max(0, listing.count), MOST_RESULTS),
        )
        shown = await _resources(session, caller.workspace_id, rows)
    resources = tuple(listing.part(each) for each in shown)
    return Page(
        total_results=total,
        start_index=start,
        items_per_page=len(resources),
        resources=resources,
    )


async def get(
    deps: Deps, caller: Caller, kind: PrincipalKind, principal_id: str, listing: Listing
) -> dict[str, Any]:
    """Return a principal.

    Raises:
        NotFound: see `store.get`.
    """
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, kind, principal_id)
        return listing.part(await _resource(session, row))


async def only_workspace(deps: Deps) -> int | None:
    """Return the id of the one workspace; None when there are several."""
    async with deps.database.read_session() as session:
        ids = await store.workspace_ids(session, most=2)
    return ids[0] if len(ids) == 1 else None


async def me(deps: Deps, caller: Caller, listing: Listing) -> dict[str, Any]:
    """Return the principal that the token speaks for, as a user."""
    async with deps.database.read_session() as session:
        row = await session.get_one(Principal, caller.principal_id)
        found = await _resource(session, row)
    if row.kind == PrincipalKind.SERVICE_PRINCIPAL:
        found["userName"] = found["applicationId"]
    return listing.part(found)


async def create(
    deps: Deps, caller: Caller, kind: PrincipalKind, given: Resource
) -> dict[str, Any]:
    """Make a principal; a user gets a home folder.

    Raises:
        Forbidden: the caller is no admin.
        Invalid: it lacks a name, or a member does not exist.
        NameTaken: another principal of the workspace has the name.
    """
    require_admin(caller, _DEED)
    name = _name_of(given)
    if name is None and kind is PrincipalKind.SERVICE_PRINCIPAL:
        name = str(uuid.uuid4())
    if name is None:
        field = "displayName" if kind is PrincipalKind.GROUP else "userName"
        raise Invalid(f"{field}: a new {store.WORDS[kind].lower()} needs one")
    async with deps.database.session() as session:
        await store.lock_admins(session, caller.workspace_id)
        row = await add(session, caller, kind, name)
        row.active = isinstance(given, Group) or given.active is not False
        await _fill(session, row, given)
        if kind is PrincipalKind.USER and not given.model_dump(include={"emails"})["emails"]:
            email = {"value": name, "type": "work", "primary": True}
            row.attributes = {**row.attributes, "emails": [email]}
        await session.flush()
        return await _resource(session, row)


async def add(
    session: AsyncSession, caller: Caller, kind: PrincipalKind, name: str, display_name: str = ""
) -> Principal:
    """Add a principal's row, and a user's home folder; the caller's right was checked before.

    Raises:
        NameTaken: another principal of the workspace has the name.
    """
    await _require_free(session, caller.workspace_id, name)
    row = Principal(
        workspace_id=caller.workspace_id,
        kind=kind,
        user_name=name,
        display_name=display_name,
    )
    session.add(row)
    await session.flush()
    if kind is PrincipalKind.USER:
        await files.make_folders(session, caller.workspace_id, f"/Users/{name}")
    audit.record(session, caller, f"{kind}.created", kind, row.principal_id, name=name)
    return row


async def replace(
    deps: Deps, caller: Caller, kind: PrincipalKind, principal_id: str, given: Resource
) -> dict[str, Any]:
    """Give a principal these attributes; its name and `active` stay where they are not given.

    Raises:
        NotFound, Forbidden: see `store.get`, `access.require_admin`.
        Immutable: a user's name, or a group that every workspace has, would change.
        Invalid: nobody would be an admin any more, or a member does not exist.
        NameTaken: another principal of the workspace has a group's new name.
    """
    require_admin(caller, _DEED)
    async with deps.database.session() as session:
        await store.lock_admins(session, caller.workspace_id)
        row = await store.get(session, caller.workspace_id, kind, principal_id, lock=True)
        await _change(session, caller, row, given)
        found = await _resource(session, row)
    deps.authenticator.forget()
    return found


async def patch(
    deps: Deps, caller: Caller, kind: PrincipalKind, principal_id: str, steps: Patch
) -> dict[str, Any]:
    """Change a principal step by step; all steps or none.

    Raises:
        InvalidPath: a path cannot be read.
        NotFound, Forbidden, Immutable, Invalid, NameTaken: see `replace`.
    """
    require_admin(caller, _DEED)
    async with deps.database.session() as session:
        await store.lock_admins(session, caller.workspace_id)
        row = await store.get(session, caller.workspace_id, kind, principal_id, lock=True)
        inside: list[Principal] = []
        if kind is PrincipalKind.GROUP:
            inside = (await store.members(session, [row]))[row.principal_id or 0]
        fresh = patched(scim.editable(row, inside), scim.attributes_of(kind), steps.operations)
        try:
            given = scim.MODELS[kind].model_validate(fresh)
        except ValidationError as error:
            mistakes = [f"{place(each['loc'])}: {reason(dict(each))}" for each in error.errors()]
            raise Invalid("; ".join(mistakes)) from None
        await _change(session, caller, row, given)
        found = await _resource(session, row)
    deps.authenticator.forget()
    return found


async def delete(deps: Deps, caller: Caller, kind: PrincipalKind, principal_id: str) -> None:
    """Delete a principal; its tokens end at once, and what it did keeps its name.

    Raises:
        NotFound, Forbidden: see `store.get`, `access.require_admin`.
        Immutable: it is a group that every workspace has.
        Invalid: nobody would be an admin any more.
    """
    require_admin(caller, _DEED)
    async with deps.database.session() as session:
        await store.lock_admins(session, caller.workspace_id)
        row = await store.get(session, caller.workspace_id, kind, principal_id, lock=True)
        await remove(session, caller, row)
    deps.authenticator.forget()


async def remove(session: AsyncSession, caller: Caller, row: Principal) -> None:
    """Delete a principal whose row, and who is an admin, are locked; see `delete`."""
    if row.kind == PrincipalKind.GROUP and row.user_name in BUILT_IN:
        raise Immutable(f"every workspace has the group '{row.user_name}'; it cannot be deleted")
    await store.drop(session, row)
    await _require_an_admin(session, row.workspace_id)
    audit.record(
        session, caller, f"{row.kind}.deleted", row.kind, row.principal_id, name=row.user_name
    )


# Parts -------------------------------------------------------------------------------------


def _name_of(given: Resource) -> str | None:
    if isinstance(given, User):
        return given.user_name
    return given.application_id if isinstance(given, ServicePrincipal) else given.display_name


async def _require_free(session: AsyncSession, workspace_id: int, name: str) -> None:
    """Names are unique over all kinds: permissions on secrets name principals without a kind."""
    taken = await store.named(session, workspace_id, name)
    if taken is not None:
        word = store.WORDS[PrincipalKind(taken.kind)]
        raise NameTaken(f"{word} '{taken.user_name}' already exists in this workspace.")


async def _change(session: AsyncSession, caller: Caller, row: Principal, given: Resource) -> None:
    was_active = row.active
    await _rename(session, row, _name_of(given))
    if not isinstance(given, Group) and given.active is not None:
        row.active = given.active
    changed = await _fill(session, row, given)
    await session.flush()
    if was_active and not row.active:
        await store.end_tokens(session, row.principal_id or 0)
    await _require_an_admin(session, row.workspace_id)
    facts: dict[str, Any] = {"name": row.user_name, "active": row.active}
    if changed:
        facts["members_changed"] = sorted(changed)[:100]
    audit.record(session, caller, f"{row.kind}.updated", row.kind, row.principal_id, **facts)


async def _rename(session: AsyncSession, row: Principal, name: str | None) -> None:
    if name is None or name == row.user_name:
        return
    if row.kind != PrincipalKind.GROUP:
        raise Immutable(
            f"'{row.user_name}' keeps its name: what it owns goes by it; make another principal"
        )
    if row.user_name in BUILT_IN:
        raise Immutable(f"every workspace has the group '{row.user_name}'; it keeps its name")
    if name.lower() != row.user_name.lower():
        await _require_free(session, row.workspace_id, name)
    row.user_name = row.display_name = name


async def _fill(session: AsyncSession, row: Principal, given: Resource) -> set[int]:
    """Take over all attributes but the name and `active`; return whose membership changed."""
    row.external_id = given.external_id
    dumped = given.model_dump(mode="json", exclude_none=True, include=set(_KEPT))
    row.attributes = {name: value for name, value in dumped.items() if value}
    session.add(row)
    if not isinstance(given, Group):
        row.display_name = given.display_name or row.user_name
        return set()
    row.display_name = row.user_name
    if row.user_name == USERS and "members" not in given.model_fields_set:
        return set()
    return await _set_members(session, row, given.members)


async def _set_members(
    session: AsyncSession, row: Principal, members: tuple[Value, ...]
) -> set[int]:
    wanted = {_member(each) for each in members}
    there = await store.present(session, row.workspace_id, wanted)
    if unknown := sorted(wanted - there):
        raise Invalid(f"members: there is no principal with id {unknown[0]} in this workspace")
    if row.principal_id in wanted:
        raise Invalid(f"members: the group '{row.user_name}' cannot be a member of itself")
    if row.user_name == USERS:
        await _require_everybody(session, row, wanted)
        return set()
    return await store.set_members(session, row.principal_id or 0, wanted)


async def _require_everybody(session: AsyncSession, row: Principal, wanted: set[int]) -> None:
    inside = (await store.members(session, [row]))[row.principal_id or 0]
    if wanted != {each.principal_id for each in inside}:
        raise Immutable("everybody of the workspace is in the group 'users', and nobody else")


def _member(each: Value) -> int:
    number = store.number_of(each.value or "")
    if number is None:
        raise Invalid(f"members: '{each.value or ''}' is no id of a principal")
    return number


async def _require_an_admin(session: AsyncSession, workspace_id: int) -> None:
    if not await store.has_admin(session, workspace_id):
        raise Invalid(
            "nobody active would be an admin of this workspace any more; put somebody else into"
            " the group 'admins' first"
        )


async def _resource(session: AsyncSession, row: Principal) -> dict[str, Any]:
    return (await _resources(session, row.workspace_id, [row]))[0]


async def _resources(
    session: AsyncSession, workspace_id: int, rows: list[Principal]
) -> list[dict[str, Any]]:
    if not rows:
        return []
    groups = await store.memberships(session, workspace_id, rows)
    inside = await store.members(session, [r for r in rows if r.kind == PrincipalKind.GROUP])
    return [
        scim.resource(row, groups[row.principal_id or 0], inside.get(row.principal_id or 0, ()))
        for row in rows
    ]
