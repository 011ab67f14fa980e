"""Who may do what with a saved query."""

from sqlmodel.ext.asyncio.session import AsyncSession

from control.auth import Caller
from control.permissions.access import require
from control.permissions.levels import Kind, Level
from control.queries import store
from control.queries.tables import SavedQuery


async def permitted(
    session: AsyncSession, caller: Caller, query_id: str, wanted: Level, *, lock: bool = False
) -> SavedQuery:
    """Return a query that the caller may do so much with, also one in the trash.

    Raises:
        NotFound: there is no such query in the caller's workspace.
        Forbidden: the caller lacks the level.
    """
    row = await store.get(session, caller.workspace_id, query_id, lock=lock)
    await require(session, caller, Kind.QUERY, query_id, wanted)
    return row
