"""Makes the first access token of a stack and keeps it in the data folder."""

from control.db import Database
from control.stack.layout import Layout
from control.stack.secrets import write_secret
from control.tokens.service import bootstrap
from spec.errors import Unavailable


async def ensure_first_token(layout: Layout) -> str:
    """Return the stack's first token; made anew only when the kept one is no longer good."""
    try:
        kept: str | None = layout.secret("token")
    except Unavailable:
        kept = None
    database = Database.connect(layout.postgres_url())
    try:
        async with database.session() as session:
            value = await bootstrap(session, kept)
    finally:
        await database.dispose()
    if value != kept:
        write_secret(layout.secrets_dir, "token", value)
    return value
