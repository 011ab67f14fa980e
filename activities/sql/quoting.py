"""Names and texts in SQL, quoted as the standard says."""

from collections.abc import Iterable


def quoted(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def dotted(parts: Iterable[str]) -> str:
    """Return a name of several parts, each quoted."""
    return ".".join(identifier(part) for part in parts)
