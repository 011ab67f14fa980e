"""Writes docs/compatibility.md: what of the databricks-sdk works, as its tests have recorded it.

`python -m tests.conformance.page` renews the page (`make gen`); a test fails when that is out of
date.
"""

import json
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

from tests.conformance.recording import RECORD
from tests.conformance.watching import offered

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

_STATES = ("works", "partly", "refused", "not offered")


def page() -> str:
    """Return the page's text."""
    record: dict[str, dict[str, str]] = json.loads(RECORD.read_text("utf-8"))
    methods = defaultdict[str, list[str]](list)
    for method in offered():
        service, _, name = method.rpartition(".")
        methods[service].append(name)
    parts = [_HEAD.format(version=version("databricks-sdk"), totals=_totals(record))]
    absent: list[str] = []
    for service, names in methods.items():
        if any(f"{service}.{name}" in record for name in names):
            parts.append(_table(service, names, record))
        else:
            absent.append(f"`{service}` ({len(names)})")
    parts.append(_ABSENT.format(services=", ".join(absent)))
    return "\n".join(parts)


def _totals(record: dict[str, dict[str, str]]) -> str:
    states = Counter(record.get(method, {}).get("state", "not offered") for method in offered())
    head = ["| works | partly | refused | not offered |", "|---|---|---|---|"]
    return "\n".join([*head, "| " + " | ".join(str(states[state]) for state in _STATES) + " |"])


def _table(service: str, names: list[str], record: dict[str, dict[str, str]]) -> str:
    lines = [f"## {service}", "", "| method | | |", "|---|---|---|"]
    for name in names:
        entry = record.get(f"{service}.{name}", {"state": "not offered"})
        lines.append(f"| `{name}` | {entry['state']} | {entry.get('text', '')} |")
    return "\n".join([*lines, ""])


_HEAD = """\
# Compatibility

What of the unmodified `databricks-sdk` {version} for Python works against OpenLake, by host and
token alone. This page is generated from `tests/conformance/`, which drive a running stack: a
method works if it has returned in a test that passed.

- **works**: called in a test, and it did what the test expects.
- **partly**: the same, but something is missing, as said.
- **refused**: answered with an error on purpose, as said.
- **not offered**: no such endpoint here; the answer is 404 `ENDPOINT_NOT_FOUND`.

{totals}
"""

_ABSENT = """\
## Services that are not offered
All of their methods (the number is in brackets) answer 404 `ENDPOINT_NOT_FOUND`:

{services}.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
