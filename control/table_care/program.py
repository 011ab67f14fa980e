"""What the engine is to do for a table_care task; pure."""

from spec.attempts import TableCareProgram
from spec.references import Context, resolve
from spec.table_care import Compact, TableCareTask, resolved_patterns

_MIB = 1024 * 1024


def care_program(task: TableCareTask, context: Context) -> TableCareProgram:
    """Return the engine's part of the task.

    Raises:
        Invalid: a reference gave what names no tables.
    """
    compact = task.compact or Compact()
    size = compact.target_file_size_mb
    return TableCareProgram(
        tables=resolved_patterns([resolve(text, context) for text in task.tables]),
        compact=task.compact is not None,
        target_file_size_bytes=None if size is None else size * _MIB,
        min_input_files=compact.min_input_files,
        rewrite_manifests=task.rewrite_manifests,
    )
