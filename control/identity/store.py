"""Queries on principals as SCIM sees them: pages, members, groups, the last admin."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, func, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from control.permissions.tables import Grant
from control.tokens.tables import Token
from control.workspaces.principals import ACTORS, ADMINS, USERS, find_group
from control.workspaces.tables import GroupMember, Principal, PrincipalKind, Workspace
from spec.errors import NotFound

_MOST_ID = 2**63 - 1

WORDS = {
    PrincipalKind.USER: "User",
    PrincipalKind.SERVICE_PRINCIPAL: "Service principal",
    PrincipalKind.GROUP: "Group",
}


@dataclass(frozen=True)
class Membership:
    """A group that a principal is in."""

    group_id: int
    name: str
    is_direct: bool


async def get(
    session: AsyncSession,
    workspace_id: int,
    kind: PrincipalKind,
    principal_id: str,
    *,
    lock: bool = False,
) -> Principal:
    """Return a principal of a kind.

    Raises:
        NotFound: there is none of this id in the workspace, or it was deleted.
    """
    number = number_of(principal_id)
    query = select(Principal).where(
        Principal.principal_id == number,
        Principal.workspace_id == workspace_id,
        Principal.kind == kind,
        col(Principal.deleted_at).is_(None),
    )
    if lock:
        query = query.with_for_update(key_share=True)
    found = (await session.exec(query)).first() if number is not None else None
    if found is None:
        raise NotFound(f"{WORDS[kind]} with id {principal_id[:100]} not found.")
    return found


def number_of(principal_id: str) -> int | None:
    """Return an id as its number; None when it can be none."""
    if not (principal_id.isascii() and principal_id.isdecimal()) or len(principal_id) > 19:
        return None
    number = int(principal_id)
    return number if number <= _MOST_ID else None


async def workspace_ids(session: AsyncSession, *, most: int) -> list[int]:
    """Return ids of workspaces that are not deleted, as many as are asked for."""
    query = select(Workspace.workspace_id).where(col(Workspace.deleted_at).is_(None))
    return list((await session.exec(query.limit(most))).all())


async def page(
    session: AsyncSession,
    workspace_id: int,
    kind: PrincipalKind,
    where: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
    *,
    offset: int,
    limit: int,
) -> tuple[list[Principal], int]:
    """Return a page of principals, by the given order and then by id, and how many there are."""
    mine = (
        Principal.workspace_id == workspace_id,
        Principal.kind == kind,
        col(Principal.deleted_at).is_(None),
        where,
    )
    total = (await session.exec(select(func.count()).select_from(Principal).where(*mine))).one()
    if not limit or offset >= total:
        return [], total
    query = select(Principal).where(*mine).order_by(*order, col(Principal.principal_id))
    return list((await session.exec(query.offset(offset).limit(limit))).all()), total


async def named(session: AsyncSession, workspace_id: int, name: str) -> Principal | None:
    """Return the principal of a name, of whatever kind and however capitalised."""
    query = select(Principal).where(
        Principal.workspace_id == workspace_id,
        func.lower(Principal.user_name) == name.lower(),
        col(Principal.deleted_at).is_(None),
    )
    return (await session.exec(query)).first()


async def memberships(
    session: AsyncSession, workspace_id: int, principals: Collection[Principal]
) -> dict[int, list[Membership]]:
    """Return {principal id: its groups}, those of its groups among them, by name."""
    ids = [each.principal_id for each in principals]
    names = await _group_names(session, workspace_id)
    edges = select(GroupMember.member_id, GroupMember.group_id).where(
        col(GroupMember.member_id).in_([*ids, *names])
    )
    direct: dict[int, set[int]] = defaultdict(set)
    for member, group in (await session.exec(edges)).all():
        if group in names:
            direct[member].add(group)
    everybody = next((key for key, name in names.items() if name == USERS), None)
    found: dict[int, list[Membership]] = {}
    for principal in principals:
        mine = principal.principal_id or 0
        own = set(direct[mine])
        if principal.kind in ACTORS and everybody is not None:
            own.add(everybody)
        reached = _reached(own, direct)
        found[mine] = sorted(
            (Membership(group, names[group], group in own) for group in reached),
            key=lambda each: each.name,
        )
    return found


def _reached(start: set[int], direct: dict[int, set[int]]) -> set[int]:
    reached, fresh = set(start), list(start)
    while fresh:
        fresh = [group for each in fresh for group in direct[each] if group not in reached]
        reached |= set(fresh)
    return reached


async def _group_names(session: AsyncSession, workspace_id: int) -> dict[int, str]:
    query = select(Principal.principal_id, Principal.user_name).where(
        Principal.workspace_id == workspace_id,
        Principal.kind == PrincipalKind.GROUP,
        col(Principal.deleted_at).is_(None),
    )
    return {identifier or 0: name for identifier, name in (await session.exec(query)).all()}


async def members(
    session: AsyncSession, groups: Collection[Principal]
) -> dict[int, list[Principal]]:
    """Return {group id: its direct members}, by id; everybody is in `users`."""
    found: dict[int, list[Principal]] = {each.principal_id or 0: [] for each in groups}
    query = (
        select(GroupMember.group_id, Principal)
        .join(Principal, col(Principal.principal_id) == col(GroupMember.member_id))
        .where(col(GroupMember.group_id).in_(found), col(Principal.deleted_at).is_(None))
        .order_by(col(Principal.principal_id))
    )
    for group, member in (await session.exec(query)).all():
        found[group].append(member)
    for group in groups:
        if group.user_name == USERS:
            found[group.principal_id or 0] = await _actors(session, group.workspace_id)
    return found


async def _actors(session: AsyncSession, workspace_id: int) -> list[Principal]:
    query = select(Principal).where(
        Principal.workspace_id == workspace_id,
        col(Principal.kind).in_(ACTORS),
        col(Principal.deleted_at).is_(None),
    )
    return list((await session.exec(query.order_by(col(Principal.principal_id)))).all())


async def present(session: AsyncSession, workspace_id: int, ids: Iterable[int]) -> set[int]:
    """Return those of the ids that are principals of the workspace."""
    query = select(Principal.principal_id).where(
        Principal.workspace_id == workspace_id,
        col(Principal.principal_id).in_(list(ids)),
        col(Principal.deleted_at).is_(None),
    )
    return {each or 0 for each in (await session.exec(query)).all()}


async def set_members(session: AsyncSession, group_id: int, wanted: set[int]) -> set[int]:
    """Make these the direct members of a group, and no others; return whom it changes for."""
    query = select(GroupMember.member_id).where(GroupMember.group_id == group_id)
    before = set((await session.exec(query)).all())
    gone, new = before - wanted, wanted - before
    if gone:
        await session.exec(
            delete(GroupMember).where(
                col(GroupMember.group_id) == group_id, col(GroupMember.member_id).in_(gone)
            )
        )
    if new:
        rows = [{"group_id": group_id, "member_id": each} for each in sorted(new)]
        await session.exec(insert(GroupMember).values(rows).on_conflict_do_nothing())
    return gone | new


async def lock_admins(session: AsyncSession, workspace_id: int) -> None:
    """Let nobody else change who is an admin until this transaction ends."""
    query = select(Principal.principal_id).where(
        Principal.workspace_id == workspace_id,
        Principal.kind == PrincipalKind.GROUP,
        Principal.user_name == ADMINS,
    )
    await session.exec(query.with_for_update(key_share=True))


async def has_admin(session: AsyncSession, workspace_id: int) -> bool:
    """Tell whether anybody active is an admin, directly or by a group."""
    admins = await find_group(session, workspace_id, ADMINS)
    if admins is None:
        return False
    inside = select(GroupMember.member_id).where(GroupMember.group_id == admins.principal_id)
    within = inside.cte("within", recursive=True)
    within = within.union(
        select(col(GroupMember.member_id)).join(
            within, col(GroupMember.group_id) == within.c.member_id
        )
    )
    query = select(Principal.principal_id).where(
        col(Principal.principal_id).in_(select(within.c.member_id)),
        col(Principal.kind).in_(ACTORS),
        col(Principal.active),
        col(Principal.deleted_at).is_(None),
    )
    return (await session.exec(query.limit(1))).first() is not None


async def end_tokens(session: AsyncSession, principal_id: int) -> None:
    """Revoke all tokens of a principal."""
    await session.exec(
        update(Token)
        .where(col(Token.principal_id) == principal_id, col(Token.revoked_at).is_(None))
        .values(revoked_at=datetime.now(UTC))
    )


async def drop(session: AsyncSession, principal: Principal) -> None:
    """Mark a principal as deleted; its tokens, memberships and permissions end with it."""
    mine = principal.principal_id
    principal.deleted_at, principal.active = datetime.now(UTC), False
    session.add(principal)
    await session.flush()
    await end_tokens(session, mine or 0)
    both = (col(GroupMember.member_id) == mine) | (col(GroupMember.group_id) == mine)
    await session.exec(delete(GroupMember).where(both))
    await session.exec(delete(Grant).where(col(Grant.principal_id) == mine))
