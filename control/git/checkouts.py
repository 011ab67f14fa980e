"""Commits as runs take them: their files are stored as blobs, by content."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from control.db import Database
from control.files import store as files
from control.git.client import GitClient
from spec.git import GitSource

_REMEMBERED = 64


@dataclass(frozen=True)
class Checkout:
    """The files of one commit, stored as blobs already."""

    source: GitSource
    commit: str
    files: Mapping[str, str]
    """Path in the repository → SHA-256."""


class Checkouts:
    """Commits that were read lately: most runs find theirs unchanged."""

    def __init__(self) -> None:
        """See class."""
        self._known: OrderedDict[tuple[str, str, tuple[str, ...]], Checkout] = OrderedDict()

    async def get(
        self, database: Database, git: GitClient, source: GitSource, commit: str
    ) -> Checkout:
        """Return a commit's files, stored as blobs."""
        patterns = source.sparse_checkout.patterns if source.sparse_checkout is not None else ()
        key = (source.git_url, commit, patterns)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return Checkout(source, known.commit, known.files)
        full, contents = await git.read(source, commit)
        async with database.session() as session:
            stored = {
                path: await files.put_blob(session, content) for path, content in contents.items()
            }
        self._known[key] = Checkout(source, full, stored)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]
