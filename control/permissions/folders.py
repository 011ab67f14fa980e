"""Permissions on what lies in the workspace's folders: they are inherited from above.

An object's level is the highest of those given on itself and on every folder above it. Besides,
everybody may manage their home folder `/Users/<name>` and all below it, and what lies in `/Shared`;
the root and `/Users` can be listed by everybody, who sees there what they may read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname
from typing import TypeVar

from sqlalchemy import ColumnElement, String, cast, delete, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.files.tables import FileKind, WorkspaceFile
from control.permissions.access import highest, require_admin
from control.permissions.levels import WORKSPACE_OBJECTS, Kind, Level, includes
from control.permissions.tables import Grant
from control.workspaces.principals import USERS
from spec.errors import Forbidden

ROOT = "/"
ROOT_ID = "0"
"""The root has no row; this is the id that permissions on it are kept by."""
HOMES, SHARED = "/Users", "/Shared"
_OPEN = (ROOT, HOMES)
"""Folders that everybody may list, without being given what lies in them."""

KINDS = {
    FileKind.NOTEBOOK: Kind.NOTEBOOK,
    FileKind.FILE: Kind.FILE,
    FileKind.DIRECTORY: Kind.DIRECTORY,
}

Row = TypeVar("Row", bound=WorkspaceFile)


@dataclass(frozen=True)
class Standing:
    """What one principal may always do with a folder and all below it."""

    path: str
    group_name: str | None = None
    user_name: str | None = None


def standing(path: str) -> Standing | None:
    """Return who may always manage what is at a path; None where nobody may."""
    if path == SHARED or path.startswith(f"{SHARED}/"):
        return Standing(SHARED, group_name=USERS)
    if path.startswith(f"{HOMES}/"):
        name = path.split("/")[2]
        return Standing(f"{HOMES}/{name}", user_name=name)
    return None


def above(path: str) -> list[str]:
    """Return the folders that a path lies in, the root first; of the root itself, none."""
    folders: list[str] = []
    while path != ROOT:
        path = dirname(path)
        folders.append(path)
    return folders[::-1]


@dataclass(frozen=True)
class Levels:
    """What one caller holds in the folders of its workspace, as far as was asked for."""

    caller: Caller
    given: Mapping[str, Level]
    """Path → the highest level given there."""

    def at(self, path: str) -> Level | None:
        """Return the highest level on what is at a path, there or not there yet; None for none."""
        if self.caller.is_admin:
            return Level.CAN_MANAGE
        always = standing(path)
        if always is not None and (always.group_name or always.user_name == self.caller.user_name):
            return Level.CAN_MANAGE
        held = [self.given[each] for each in (*above(path), path) if each in self.given]
        held += [Level.CAN_READ] if path in _OPEN else []
        return highest(Kind.DIRECTORY, held)

    def allows(self, path: str, wanted: Level) -> bool:
        """Tell whether the caller may do so much with what is at a path."""
        return includes(Kind.DIRECTORY, self.at(path), wanted)

    def readable(self, rows: Sequence[Row]) -> list[Row]:
        """Return those that the caller may read."""
        return [row for row in rows if self.allows(row.path, Level.CAN_READ)]


async def levels(
    session: AsyncSession, caller: Caller, path: str, *, below: bool = False
) -> Levels:
    """Return what a caller holds at a path, in the folders above and, if wanted, below: one query.

    Args:
        session: For reading.
        caller: Whose levels.
        path: Normalised.
        below: Also at everything that lies in the folder `path`.
    """
    if caller.is_admin:
        return Levels(caller, {})
    wanted = col(WorkspaceFile.path).in_([*above(path), path])
    if below:
        wanted = or_(wanted, _in(path))
    query = (
        select(Grant.object_id, Grant.level, WorkspaceFile.path)
        .select_from(Grant)
        .outerjoin(
            WorkspaceFile,
            (col(WorkspaceFile.workspace_id) == col(Grant.workspace_id))
            & (cast(WorkspaceFile.object_id, String) == col(Grant.object_id))
            & wanted,
        )
        .where(
            Grant.workspace_id == caller.workspace_id,
            col(Grant.kind).in_([kind.value for kind in WORKSPACE_OBJECTS]),
            col(Grant.principal_id).in_(caller.principals),
            or_(col(Grant.object_id) == ROOT_ID, col(WorkspaceFile.path).is_not(None)),
        )
    )
    given: dict[str, list[str]] = {}
    for object_id, held, at in (await session.exec(query)).all():
        given.setdefault(ROOT if object_id == ROOT_ID else at, []).append(held)
    found = {at: highest(Kind.DIRECTORY, held) for at, held in given.items()}
    return Levels(caller, {at: held for at, held in found.items() if held is not None})


async def require_path(session: AsyncSession, caller: Caller, path: str, wanted: Level) -> None:
    """Let only those pass who hold a level on what is, or is to be, at a path.

    Raises:
        Forbidden: naming the path, the level needed and the one held.
    """
    held = await levels(session, caller, path)
    if not held.allows(path, wanted):
        raise path_refusal(held, path, wanted)


def path_refusal(held: Levels, path: str, wanted: Level) -> Forbidden:
    """Return the error that says what is held and what is needed."""
    has = f"has {level}" if (level := held.at(path)) else "has no permission"
    return Forbidden(
        f"User {held.caller.user_name} {has} on '{path}', and {wanted} is needed there or on a"
        " folder above; ask who may manage it, or an admin of the workspace",
        path=path,
        needed=wanted.value,
    )


async def require_listing(
    session: AsyncSession, caller: Caller, path: str, rows: Sequence[Row]
) -> list[Row]:
    """Return what of a folder's content the caller may see.

    Raises:
        Forbidden: the caller may not read the folder, and it is none that everybody may list.
    """
    held = await levels(session, caller, path, below=path in _OPEN)
    if not held.allows(path, Level.CAN_READ):
        raise path_refusal(held, path, Level.CAN_READ)
    return held.readable(rows)


async def require_deleting(session: AsyncSession, caller: Caller, path: str) -> None:
    """Let only those pass who may delete what is at a path; of home folders and `/Shared`, admins.

    Raises:
        Forbidden: the caller may not.
    """
    await require_path(session, caller, path, Level.CAN_MANAGE)
    always = standing(path)
    if always is not None and always.path == path:
        require_admin(caller, f"delete '{path}' itself; delete what lies in it")


async def forget_below(session: AsyncSession, workspace_id: int, path: str) -> None:
    """Drop all permissions on what is at a path and below it, which is about to be deleted."""
    ids = select(cast(WorkspaceFile.object_id, String)).where(
        WorkspaceFile.workspace_id == workspace_id, or_(col(WorkspaceFile.path) == path, _in(path))
    )
    await session.exec(
        delete(Grant).where(
            col(Grant.workspace_id) == workspace_id,
            col(Grant.kind).in_([kind.value for kind in WORKSPACE_OBJECTS]),
            col(Grant.object_id).in_(ids),
        )
    )


def _in(folder: str) -> ColumnElement[bool]:
    first = folder.rstrip("/") + "/"
    # "0" follows "/" in byte order.
    return (col(WorkspaceFile.path) >= first) & (col(WorkspaceFile.path) < first[:-1] + "0")
