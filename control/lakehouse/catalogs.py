"""Every catalog that this OpenLake shows, by name, and the few threads that read table data."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyiceberg.exceptions import ResolveError, ValidationError

from control.config import CatalogConnection
from control.lakehouse.base import Json, Loaded, TableCatalog, TableName
from spec.datasets import CATALOG
from spec.errors import Invalid, NotFound, Unavailable

_T = TypeVar("_T")
_READERS = 4
_WITHIN_S = 30.0
_DAMAGED = (
    *(ValueError, LookupError, EOFError, NotImplementedError),
    *(ResolveError, ValidationError),
)
"""What PyArrow and PyIceberg raise for files that are not as they should be."""


class Lakehouse:
    """The catalogs of one process."""

    def __init__(
        self,
        catalogs: Mapping[str, TableCatalog] | None = None,
        connections: Mapping[str, CatalogConnection] | None = None,
    ) -> None:
        """See class.

        Args:
            catalogs: By name.
            connections: What the settings say of those that are not the stack's own.
        """
        self.catalogs = dict(sorted((catalogs or {}).items()))
        self.connections = dict(connections or {})
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="lakehouse")

    def catalog(self, name: str) -> TableCatalog:
        """Return a catalog.

        Raises:
            NotFound: there is none of this name.
        """
        found = self.catalogs.get(name)
        if found is None:
            raise NotFound(f"Catalog '{name}' does not exist.", catalog=name)
        return found

    def is_managed(self, name: str) -> bool:
        """Tell whether a catalog is the stack's own."""
        return name == CATALOG

    def on_branch(self, name: str, branch: str | None) -> TableCatalog:
        """Return a catalog to look into on a branch.

        Raises:
            NotFound: there is none of this name.
            Invalid: it has no branches.
        """
        catalog = self.catalog(name)
        if branch is not None and not catalog.has_branches:
            raise Invalid(f"branch: the catalog '{name}' has no branches; leave it out.")
        return catalog

    async def load(self, name: TableName, branch: str | None = None) -> Loaded:
        """Return a table or view.

        Raises:
            NotFound: there is none of this name.
            Unavailable: its catalog cannot be reached.
        """
        catalog = self.on_branch(name.catalog, branch)
        found = await catalog.load(name.key, branch)
        if found is None:
            where = f" on branch '{branch}'" if branch else ""
            raise NotFound(f"Table '{name}' does not exist{where}.", table=str(name))
        return found

    async def counts(
        self, name: TableName, loaded: Loaded, snapshots: Iterable[Json]
    ) -> dict[str, dict[str, str]]:
        """Return snapshot id → rows and files of snapshots whose writer noted none."""
        # PyArrow comes with it, which an API that shows no data does without.
        from control.lakehouse import counting

        wanted = [each for each in snapshots if counting.is_uncounted(each)]
        if not wanted:
            return {}
        return await self.read(str(name), lambda: counting.count(wanted, loaded.files))

    async def read(self, what: str, work: Callable[[], _T]) -> _T:
        """Do blocking work on table data in one of a few threads, so that it cannot eat the API.

        Raises:
            Unavailable: it took too long, or the files cannot be read.
            Invalid: the files are damaged, or hold what PyIceberg does not know.
        """
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._readers, work), _WITHIN_S)
        except TimeoutError:
            raise Unavailable(
                f"Reading {what} took more than {_WITHIN_S:.0f} s and was given up; its object"
                " store may be slow or away."
            ) from None
        except OSError as error:
            raise Unavailable(f"The files of {what} cannot be read: {error}.") from error
        except _DAMAGED as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Invalid(f"The files of {what} cannot be understood: {reason}.") from error

    async def close(self) -> None:
        """Let go of every connection."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        for catalog in self.catalogs.values():
            await catalog.close()
