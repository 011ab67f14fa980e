"""Remembers the snapshots that attempts of this process's runs ask for again and again."""

from collections import OrderedDict

from sqlmodel.ext.asyncio.session import AsyncSession

from control.jobs.tables import SettingsSnapshot

MOST = 64
"""Of the largest jobs one takes a megabyte or two."""


class Snapshots:
    """The snapshots used last; one never changes, so what is remembered is always true."""

    def __init__(self) -> None:
        """See class."""
        self._known: OrderedDict[str, SettingsSnapshot] = OrderedDict()

    async def get(self, session: AsyncSession, settings_hash: str) -> SettingsSnapshot:
        """Return a snapshot that exists, to be read only; it belongs to no session."""
        known = self._known.get(settings_hash)
        if known is None:
            known = await session.get_one(SettingsSnapshot, settings_hash)
            session.expunge(known)
            self._known[settings_hash] = known
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(settings_hash)
        return known
