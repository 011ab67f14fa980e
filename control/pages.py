"""Writes the tables of the documentation that come from code; `make gen` renews them.

In a page a generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

import re
from pathlib import Path

from control.permissions.levels import MEANING, Kind
from control.permissions.objects import PLACES
from spec import field_support
from spec.reference_names import INSTANT_MEMBERS, REFERENCES

FOLDER = Path(__file__).parent.parent / "docs"
PAGES = ("jobs.md", "permissions.md")

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """Return a page's text with every generated part made anew.

    Raises:
        KeyError: the page names a part that there is not.
    """
    parts = {"fields": field_support.table, "references": references, "levels": levels}
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]()}\n{found[3]}", page)


def write() -> None:
    """Renew the pages in place."""
    for name in PAGES:
        path = FOLDER / name
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")


def levels() -> str:
    """Return a table for each kind of object of what its levels let do."""
    lines: list[str] = []
    for place, kinds in _by_place().items():
        lines += [f"### {place}", "", "| level | lets its holder |", "|---|---|"]
        lines += [f"| {level} | {said} |" for level, said in MEANING[kinds].items()]
        lines.append("")
    return "\n".join(lines)


def _by_place() -> dict[str, Kind]:
    return {place.strip("/"): kind for kind, place in PLACES.items()}


def references() -> str:
    """Return the table of dynamic value references."""
    rows = [f"| `{{{{{each.name}}}}}` | {each.meaning} |" for each in REFERENCES]
    members = ", ".join(f"`{each}`" for each in INSTANT_MEMBERS)
    head = ["| reference | value |", "|---|---|"]
    return "\n".join([*head, *rows, "", f"`<time>` is one of {members}; all are UTC.", ""])
