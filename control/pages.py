"""Writes the tables of the documentation that come from code; `make gen` renews them.

In a page a generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

import re
from pathlib import Path

from spec import field_support
from spec.reference_names import INSTANT_MEMBERS, REFERENCES

FOLDER = Path(__file__).parent.parent / "docs"
PAGES = ("jobs.md",)

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """Return a page's text with every generated part made anew.

    Raises:
        KeyError: the page names a part that there is not.
    """
    parts = {"fields": field_support.table, "references": references}
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]()}\n{found[3]}", page)


def write() -> None:
    """Renew the pages in place."""
    for name in PAGES:
        path = FOLDER / name
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")


def references() -> str:
    """Return the table of dynamic value references."""
    rows = [f"| `{{{{{each.name}}}}}` | {each.meaning} |" for each in REFERENCES]
    members = ", ".join(f"`{each}`" for each in INSTANT_MEMBERS)
    head = ["| reference | value |", "|---|---|"]
    return "\n".join([*head, *rows, "", f"`<time>` is one of {members}; all are UTC.", ""])
