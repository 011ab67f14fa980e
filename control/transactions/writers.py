"""Who has written a table: another task of the run, or somebody else on main."""

from typing import Any

from control.gateway.references import Key
from control.gateway.routes import dotted
from control.gateway.stamps import CREATED_BY, read_stamp
from control.gateway.tokens import MAIN
from control.transactions.context import Context
from control.transactions.names import published_by

_NUMBERS = {"run-id": "run_id", "job-id": "job_id", "task-run-id": "task_run_id"}
_WORDS = {"task-key": "task_key", "principal": "principal", "statement-id": "statement_id"}


async def writer_on_main(
    context: Context, key: Key, workspace_id: int, base: str, head: str
) -> dict[str, Any]:
    """Tell who changed a table on main between two of its commits.

    Args:
        context: With the catalog.
        key: The table.
        workspace_id: Who of another workspace did it is not told.
        base: The older commit.
        head: The newer one.

    Returns:
        `text`, a phrase for a person; beside it, as far as known, `run_id`, `job_id`,
        `task_run_id`, `task_key`, `principal`, `statement_id`.
    """
    stamp = await _stamp(context, key, base, head)
    if stamp and stamp.get("workspace-id") != str(workspace_id):
        return {"text": "somebody of another workspace"}
    facts: dict[str, Any] = {
        ours: int(stamp[its]) for its, ours in _NUMBERS.items() if its in stamp
    }
    facts |= {ours: stamp[its] for its, ours in _WORDS.items() if its in stamp}
    if "task_key" in facts:
        text = f"task '{facts['task_key']}' of run {facts['run_id']} (job {facts['job_id']})"
        return {"text": text} | facts
    if "principal" in facts:
        return {"text": str(facts["principal"])} | facts
    return await _by_message(context, key, base, head)


async def _stamp(context: Context, key: Key, base: str, head: str) -> dict[str, str]:
    """Return the stamp of the change, if it made a snapshot or the table."""
    was = (await context.references.contents(MAIN, base, [key])).get(key, {})
    loaded = await context.catalog.load_table(f"{MAIN}@{head}", key)
    if loaded is None:
        return {}
    metadata: dict[str, Any] = loaded["metadata"]
    current = metadata.get("current-snapshot-id")
    if current is not None and current != was.get("snapshotId"):
        for snapshot in metadata.get("snapshots", []):
            if snapshot["snapshot-id"] == current:
                return read_stamp(snapshot.get("summary", {}))
    return {} if was else read_stamp(metadata.get("properties", {}), CREATED_BY)


async def _by_message(context: Context, key: Key, base: str, head: str) -> dict[str, Any]:
    """Tell what the catalog's log says of a change that carries no stamp."""
    history = context.references.history(f"{MAIN}@{head}", since=base, changes=True)
    async for entry in history:
        if any(change.key == key for change in entry.changes):
            run_id = published_by(entry.message)
            if run_id is not None:
                return {"text": f"run {run_id}", "run_id": run_id}
            return {"text": f"a change that adds no rows ('{entry.message[:100]}')"}
    return {"text": f"a change of {dotted(key[:-1]) or dotted(key)}"}
