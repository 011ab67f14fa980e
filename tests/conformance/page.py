"""Writes docs/compatibility.md: what of the databricks-sdk works, as its tests have recorded it.

What a test has driven stands in the record. Of all other methods the first request is known
(`asking`), and where it ends in the API (`routing`): at a refusal with its reason, or at nothing;
`tests/control/test_sdk_methods.py` sends every one of them.

`python -m tests.conformance.page` renews the page (`make gen`); a test fails when that is out of
date.
"""

import json
from collections import Counter, defaultdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tests.conformance.asking import ELSEWHERE, account, workspace
from tests.conformance.recording import RECORD
from tests.conformance.routing import reason_of
from tests.conformance.watching import offered

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

_UNKNOWN = {"state": "unknown"}


def page() -> str:
    """Return the page's text."""
    methods = defaultdict[str, list[str]](list)
    for method in offered():
        service, _, name = method.rpartition(".")
        methods[service].append(name)
    parts = [_HEAD.format(version=version("databricks-sdk"), totals=_totals())]
    refused: list[str] = []
    unknown: list[str] = []
    for service, names in methods.items():
        entries = {name: entry(f"{service}.{name}") for name in names}
        alike = all(each == entries[names[0]] for each in entries.values())
        listed = ", ".join(f"`{name}`" for name in names)
        if alike and entries[names[0]] == _UNKNOWN:
            unknown.append(f"- `{service}`: {listed}")
        elif alike and entries[names[0]]["state"] == "refused":
            refused.append(f"- `{service}` ({entries[names[0]]['text']}): {listed}")
        else:
            parts.append(_table(service, entries))
    parts.append(_REFUSED.format(services="\n".join(refused)))
    parts.append(_ABSENT.format(services="\n".join(unknown), account=len(account())))
    return "\n".join(parts)


def undriven() -> list[str]:
    """Return the methods that are served, though no conformance test has driven them."""
    known = _record()
    return [
        method
        for method, asked in workspace().items()
        if method not in known and reason_of(asked) == ""
    ]


def entry(method: str) -> dict[str, str]:
    """Return a method's state, and what is to be said of it."""
    if method in ELSEWHERE:
        return {"state": "refused", "text": ELSEWHERE[method]}
    recorded = _record().get(method)
    if recorded is not None:
        return recorded
    reason = reason_of(workspace()[method])
    return _UNKNOWN if reason is None else {"state": "refused", "text": reason}


@cache
def _record() -> dict[str, dict[str, str]]:
    return json.loads(RECORD.read_text("utf-8"))


def _totals() -> str:
    states = Counter(entry(method)["state"] for method in offered())
    names = ("works", "partly", "refused", "unknown")
    head = ["| works | partly | refused | refused as unknown |", "|---|---|---|---|"]
    return "\n".join([*head, "| " + " | ".join(str(states[name]) for name in names) + " |"])


def _table(service: str, entries: dict[str, dict[str, str]]) -> str:
    lines = [f"## {service}", "", "| method | | |", "|---|---|---|"]
    for name, each in entries.items():
        state, text = each["state"], each.get("text", "")
        if each == _UNKNOWN:
            state, text = "refused", "404 `ENDPOINT_NOT_FOUND`"
        lines.append(f"| `{name}` | {state} | {text} |")
    return "\n".join([*lines, ""])


_HEAD = """\
# Compatibility

What of the unmodified `databricks-sdk` {version} for Python works against OpenLake, by host and
token alone. This page is generated from `tests/conformance/`, which drive a running stack, and from
the SDK itself: each of its methods is called, to see what it asks, and the API is sent that.

- **works**: called in a test, and it did what the test expects.
- **partly**: the same, but something is missing, as said.
- **refused**: answered with an error on purpose, 501 `NOT_IMPLEMENTED` unless said otherwise, with
  the reason given here.
- **refused as unknown**: no such endpoint here; the answer is 404 `ENDPOINT_NOT_FOUND`.

{totals}
"""

_REFUSED = """\
## Services that are refused with a reason
{services}
"""

_ABSENT = """\
## Services that are refused as unknown
All of their methods answer 404 `ENDPOINT_NOT_FOUND`:

{services}

So do the {account} methods of the SDK's `AccountClient`, but for a few that are refused with a
reason: workspaces are OpenLake's own, under `/api/openlake/1.0/workspaces`.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
