"""The database: one engine a process, one session a request or task, one commit at the edge.

Services take a session and `flush`; only `Database.session` commits, once, when its block ends
well.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 20,
    server_settings: Mapping[str, str] | None = None,
) -> AsyncEngine:
    """Open a pool of asyncpg connections; nothing is connected before first use.

    Args:
        url: `postgresql://user:password@host:port/name`; a driver in it is replaced by asyncpg.
        pool_size: Connections kept open.
        max_overflow: Further connections under load, closed again after use.
        server_settings: PostgreSQL parameters of every connection.
    """
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_pre_ping=True,
        connect_args={"server_settings": dict(server_settings or {})},
    )


class Database:
    """Hands out sessions of one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        """See class."""
        self.engine = engine
        self._sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10, max_overflow: int = 20) -> "Database":
        """Make a database from its URL; see `create_engine`."""
        return cls(create_engine(url, pool_size=pool_size, max_overflow=max_overflow))

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """Open a session and commit it once when the block ends; an exception rolls it back."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def read_session(self, *, one_moment: bool = False) -> AsyncGenerator[AsyncSession]:
        """Open a session whose transaction refuses writes; it is always rolled back.

        Args:
            one_moment: All its queries see the database as it was at the first one.
        """
        options: dict[str, object] = {"postgresql_readonly": True}
        if one_moment:
            options["isolation_level"] = "REPEATABLE READ"
        async with self._sessions() as session:
            await session.connection(execution_options=options)
            try:
                yield session
            finally:
                # A rollback expires what it finds; rows that were read stay usable without it.
                session.expunge_all()
                await session.rollback()

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
