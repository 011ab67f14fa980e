"""Where the rows of statements are in the object store."""

from spec.statements import ResultFormat

_ENDINGS = {
    ResultFormat.JSON_ARRAY: "json",
    ResultFormat.ARROW_STREAM: "arrow",
    ResultFormat.CSV: "csv",
}


def prefix_of(workspace_id: int, statement_id: str) -> str:
    """Return what the names of all of a statement's objects begin with."""
    return f"results/{workspace_id}/{statement_id}/"


def chunk_key(
    workspace_id: int, statement_id: str, attempt: int, index: int, form: ResultFormat
) -> str:
    """Return the name of one chunk; those of another attempt are others."""
    return f"{prefix_of(workspace_id, statement_id)}{attempt}/{index}.{_ENDINGS[form]}"
