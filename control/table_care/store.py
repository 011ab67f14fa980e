"""Reads and writes how far a sweep has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from control.table_care.tables import TableSweep
from spec.table_care_figures import Figures, Step


@dataclass
class Progress:
    """What an attempt has deleted from a folder so far."""

    gone: dict[Step, Figures] = field(default_factory=dict[Step, Figures])
    pending: frozenset[str] = frozenset()
    """Keys that are counted in `gone` and may still be there."""

    def count(self, step: Step, figures: Figures) -> None:
        """Add a file that is about to go."""
        self.gone[step] = self.gone.get(step, Figures()) + figures


async def read(session: AsyncSession, task_run_id: int, folder: str) -> Progress:
    """Return the progress of a folder; nothing before it was begun."""
    row = await session.get(TableSweep, (task_run_id, folder))
    if row is None:
        return Progress()
    gone = {Step(step): Figures(*cells) for step, cells in row.gone.items()}
    return Progress(gone, frozenset(row.pending))


async def save(
    session: AsyncSession,
    task_run_id: int,
    folder: str,
    gone: Mapping[Step, Figures],
    pending: Sequence[str],
) -> None:
    """Note what is about to be deleted, before it is."""
    values = {
        "gone": {step.value: list(figures.cells) for step, figures in gone.items()},
        "pending": list(pending),
    }
    row = insert(TableSweep).values(task_run_id=task_run_id, folder=folder, **values)
    await session.exec(
        row.on_conflict_do_update(index_elements=["task_run_id", "folder"], set_=values)
    )
