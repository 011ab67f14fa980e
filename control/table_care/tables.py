"""How far the deleting of files has come: so that after a crash the figures are still right."""

from sqlmodel import Field, SQLModel

from control.columns import big_id, json_list, json_object


class TableSweep(SQLModel, table=True):
    """What one attempt of a table_care task has deleted from one table's folder."""

    __tablename__ = "table_sweeps"  # pyright: ignore[reportAssignmentType]

    task_run_id: int = big_id(key=True)
    folder: str = Field(primary_key=True)
    """Key of the table's folder, with a slash at its end."""
    gone: dict[str, list[int]] = json_object()
    """Step → figures of what was deleted (`spec.table_care_figures.Figures`)."""
    pending: list[str] = json_list()
    """Keys whose deletion is under way: counted in `gone`, and perhaps still there."""
