"""Merges one branch into another, once, and says what came of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from control.gateway.references import (
    NAMESPACE,
    Changed,
    Entry,
    Key,
    MergeConflict,
    References,
)
from control.transactions.context import Context
from spec.errors import NotFound


@dataclass(frozen=True)
class Merge:
    """What is to be merged."""

    source: str
    since: str
    """The commit that the source was cut from, which the target has as well."""
    target: str
    message: str
    """By which the merge is recognised."""


@dataclass(frozen=True)
class Merged:
    """What came of it."""

    onto: str
    """The target's commit before."""
    entry: Entry | None = None
    """The merge; None when there was nothing to merge, or a conflict."""
    conflicts: tuple[Key, ...] = ()
    """What both sides have changed; then nothing was merged."""


async def merge(context: Context, wanted: Merge) -> Merged:
    """Merge, unless the target holds this very merge already.

    Raises:
        NotFound: there is no such branch.
        Unavailable: the catalog does not answer, or is too busy; ask again.
    """
    references = context.references
    found = await references.find(wanted.target, wanted.since, wanted.message)
    if found is not None:
        return Merged(onto=found.parent, entry=found)
    at, onto = await _head(references, wanted.source), await _head(references, wanted.target)
    if at == wanted.since:
        return Merged(onto=onto)
    history = references.history(wanted.source, since=wanted.since, changes=True)
    changes = [change async for entry in history for change in entry.changes]
    leave = await shared_namespaces(
        references, changes, (wanted.source, wanted.since), (wanted.target, onto)
    )
    await context.done(f"looked at {wanted.target}")
    try:
        await references.merge(wanted.source, at, wanted.target, onto, wanted.message, leave)
    except MergeConflict as conflict:
        return Merged(onto=onto, conflicts=conflict.keys)
    await context.done(f"merged into {wanted.target}")
    # Nothing is found when all that was to be merged was there already.
    return Merged(onto, await references.find(wanted.target, onto, wanted.message))


async def _head(references: References, branch: str) -> str:
    head = await references.head(branch)
    if head is None:
        raise NotFound(f"the catalog has no branch {branch}; was it dropped?")
    return head


async def shared_namespaces(
    references: References,
    changes: Iterable[Changed],
    before: tuple[str, str],
    target: tuple[str, str],
) -> Collection[Key]:
    """Return the namespaces that were made or altered on both sides; the target's stay.

    Two that make the same namespace are not in each other's way. Nessie (0.99) would let the later
    one overwrite its properties, and calls altered ones a conflict.

    Args:
        references: The catalog's branches.
        changes: Of the source.
        before: Branch and commit that both sides come from.
        target: Branch and commit that gets the changes.
    """
    keys = {change.key for change in changes if change.kind == NAMESPACE}
    was = await references.contents(*before, keys)
    has = await references.contents(*target, keys)
    return sorted(key for key in keys if key in has and has[key] != was.get(key))


async def tables_of(references: References, branch: str, entry: Entry) -> Sequence[Changed]:
    """Return the tables and views that a commit of a branch changed, in the order of names."""
    removed = [change.key for change in entry.changes if change.kind is None]
    were = await references.contents(branch, entry.parent, removed)
    kinds = {key: content["type"] for key, content in were.items()}
    return sorted(
        (
            change
            for change in entry.changes
            if (change.kind or kinds.get(change.key)) not in (NAMESPACE, None)
        ),
        key=lambda change: change.key,
    )
