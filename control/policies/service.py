"""What may be done to cluster policies: admins make them, who holds CAN_USE uses them."""

import secrets
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from control.audit import store as audit
from control.auth import Caller
from control.deps import Deps
from control.permissions.access import forget, require, require_admin
from control.permissions.levels import Kind, Level
from control.policies import store
from control.policies.errors import NameTaken
from control.policies.tables import ClusterPolicy
from control.runs.views import millis
from spec.api.compute import (
    CreatePolicy,
    EditPolicy,
    PolicyList,
    PolicyView,
    SortColumn,
    SortOrder,
)
from spec.errors import Invalid


async def create(deps: Deps, caller: Caller, given: CreatePolicy) -> str:
    """Make a policy; return its id.

    Raises:
        Forbidden: the caller is no admin.
        NameTaken: see there.
        Invalid: a field has no meaning here, or there is no definition.
    """
    require_admin(caller, "make cluster policies")
    _check(given)
    if given.definition is None:
        raise Invalid("a policy needs a 'definition', JSON as text; '{}' allows everything")
    row = ClusterPolicy(
        policy_id=secrets.token_hex(8).upper(),
        workspace_id=caller.workspace_id,
        name=given.name,
        definition=given.definition,
        description=given.description,
        libraries=_libraries(given) or [],
        creator=caller.user_name,
    )
    async with deps.database.session() as session:
        await _require_free(session, row)
        session.add(row)
        audit.record(
            session, caller, "policy.created", "cluster-policy", row.policy_id, **_facts(row)
        )
    return row.policy_id


async def edit(deps: Deps, caller: Caller, given: EditPolicy) -> None:
    """Change a policy; runs that begin later keep to it.

    Raises:
        NotFound, Forbidden, NameTaken, Invalid: see `create`.
    """
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, given.policy_id, lock=True)
        require_admin(caller, "change cluster policies")
        _check(given)
        row.name = given.name or row.name
        row.definition = row.definition if given.definition is None else given.definition
        row.description = row.description if given.description is None else given.description
        libraries = _libraries(given)
        row.libraries = row.libraries if libraries is None else libraries
        with session.no_autoflush:
            await _require_free(session, row)
        audit.record(
            session, caller, "policy.updated", "cluster-policy", row.policy_id, **_facts(row)
        )


async def delete(deps: Deps, caller: Caller, policy_id: str) -> None:
    """Delete a policy for good; runs of jobs that name it are refused from then on.

    Raises:
        NotFound: there is no such policy.
        Forbidden: the caller is no admin.
    """
    async with deps.database.session() as session:
        row = await store.get(session, caller.workspace_id, policy_id, lock=True)
        require_admin(caller, "delete cluster policies")
        await session.delete(row)
        await forget(session, caller.workspace_id, Kind.CLUSTER_POLICY, policy_id)
        audit.record(session, caller, "policy.deleted", "cluster-policy", policy_id, name=row.name)


async def get(deps: Deps, caller: Caller, policy_id: str) -> PolicyView:
    """Return a policy that the caller may use.

    Raises:
        NotFound: there is no such policy.
        Forbidden: the caller may not use it.
    """
    async with deps.database.read_session() as session:
        row = await store.get(session, caller.workspace_id, policy_id)
        await require(session, caller, Kind.CLUSTER_POLICY, policy_id, Level.CAN_USE)
    return view(row)


async def list_policies(
    deps: Deps, caller: Caller, column: SortColumn | None, order: SortOrder | None
) -> PolicyList:
    """Return the policies that the caller may use; the newest first by default."""
    by_name = column == "POLICY_NAME"
    descending = order == "DESC" if order or by_name else True
    async with deps.database.read_session() as session:
        rows = await store.listed(session, caller, by_name=by_name, descending=descending)
    return PolicyList(policies=tuple(view(row) for row in rows), total_count=len(rows))


def view(row: ClusterPolicy) -> PolicyView:
    """Return a policy as Databricks shows it."""
    return PolicyView(
        policy_id=row.policy_id,
        name=row.name,
        definition=row.definition,
        description=row.description,
        libraries=tuple(row.libraries) or None,
        creator_user_name=row.creator,
        created_at_timestamp=millis(row.created_at),
    )


def _check(given: CreatePolicy | EditPolicy) -> None:
    if given.policy_family_id is not None or given.policy_family_definition_overrides is not None:
        raise Invalid(
            "policy_family_id: there are no policy families here; write the rules as 'definition'"
        )
    if given.max_clusters_per_user is not None:
        raise Invalid(
            "max_clusters_per_user: clusters here live as long as their runs; limit those with the"
            " job's max_concurrent_runs or the workspace's quota, and leave this out"
        )


def _libraries(given: CreatePolicy | EditPolicy) -> list[Any] | None:
    if given.libraries is None:
        return None
    return [each.model_dump(mode="json", exclude_none=True) for each in given.libraries]


def _facts(row: ClusterPolicy) -> dict[str, Any]:
    return {"name": row.name, "definition": row.definition}


async def _require_free(session: AsyncSession, row: ClusterPolicy) -> None:
    other = await store.other_of_name(session, row.workspace_id, row.name, row.policy_id)
    if other is not None:
        raise NameTaken(
            f"There is a cluster policy '{row.name}' already, {other}; choose another name."
        )
