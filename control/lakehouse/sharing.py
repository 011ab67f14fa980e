"""Who may do what with catalogs, schemas and tables, and the metastore they are in.

A stack has one metastore. Its own catalog is shared by all its users: whoever has a token may read
and write every table, each in their own name; catalogs of other servers are only looked at here.
"""

import uuid
from enum import StrEnum

from control.auth import Caller
from control.deps import Deps
from control.lakehouse import unity
from control.workspaces.principals import USERS
from spec.api import catalog as api
from spec.datasets import CATALOG
from spec.errors import Invalid, NotFound

METASTORE_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "openlake:metastore"))
"""The same in every stack."""


class Securable(StrEnum):
    """What privileges are asked of."""

    METASTORE = "metastore"
    CATALOG = "catalog"
    SCHEMA = "schema"
    TABLE = "table"


_OWN: tuple[api.Privilege, ...] = (
    "USE_CATALOG",
    "USE_SCHEMA",
    "CREATE_SCHEMA",
    "CREATE_TABLE",
    "SELECT",
    "MODIFY",
)
_FOREIGN: tuple[api.Privilege, ...] = ("USE_CATALOG", "USE_SCHEMA", "SELECT")


def metastore() -> api.MetastoreInfo:
    """Return the stack's metastore."""
    return api.MetastoreInfo(metastore_id=METASTORE_ID, name="openlake", owner="admins")


def get_metastore(metastore_id: str) -> api.MetastoreInfo:
    """Return the stack's metastore by its id.

    Raises:
        NotFound: it has another id.
    """
    if metastore_id != METASTORE_ID:
        raise NotFound(f"Metastore '{metastore_id[:64]}' does not exist.")
    return metastore()


def assignment(caller: Caller) -> api.MetastoreAssignment:
    """Return the caller's workspace with its metastore."""
    return api.MetastoreAssignment(
        metastore_id=METASTORE_ID,
        workspace_id=caller.workspace_id,
        default_catalog_name=CATALOG,
    )


async def grants(deps: Deps, securable_type: str, full_name: str) -> api.GrantList:
    """Return what is given on a securable itself: everything is given on catalogs.

    Raises:
        NotFound: there is no such securable.
        Invalid: it is of a type that is not there.
    """
    kind = await _found(deps, securable_type, full_name)
    if kind is not Securable.CATALOG:
        return api.GrantList()
    given = api.Grant(principal=USERS, privileges=_given(deps, full_name))
    return api.GrantList(privilege_assignments=(given,))


async def effective_grants(
    deps: Deps, securable_type: str, full_name: str
) -> api.EffectiveGrantList:
    """Return what holds on a securable, and from which catalog it comes.

    Raises:
        NotFound, Invalid: as `grants`.
    """
    kind = await _found(deps, securable_type, full_name)
    if kind is Securable.METASTORE:
        return api.EffectiveGrantList()
    catalog = full_name.partition(".")[0]
    source = None if kind is Securable.CATALOG else catalog
    privileges = tuple(
        api.EffectivePrivilege(
            privilege=each,
            inherited_from_name=source,
            inherited_from_type="CATALOG" if source else None,
        )
        for each in _given(deps, catalog)
    )
    given = api.EffectiveGrant(principal=USERS, privileges=privileges)
    return api.EffectiveGrantList(privilege_assignments=(given,))


def _given(deps: Deps, catalog: str) -> tuple[api.Privilege, ...]:
    return _OWN if deps.lakehouse.is_managed(catalog) else _FOREIGN


async def _found(deps: Deps, securable_type: str, full_name: str) -> Securable:
    try:
        kind = Securable(securable_type.lower())
    except ValueError:
        raise Invalid(
            f"Nothing is given on a '{securable_type[:60]}' here; ask of a catalog, schema or table"
        ) from None
    match kind:
        case Securable.METASTORE:
            get_metastore(full_name)
        case Securable.CATALOG:
            unity.get_catalog(deps, full_name)
        case Securable.SCHEMA:
            await unity.get_schema(deps, full_name)
        case Securable.TABLE:
            await unity.get_table(deps, full_name)
    return kind
