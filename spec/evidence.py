"""How a run's evidence is spelled and checked; pure.

The document carries the SHA-256 of itself: of its canonical JSON without the field `sha256`.
Canonical JSON has its keys sorted, no spaces, and every character as it is, in UTF-8.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from spec.errors import Invalid

FORMAT = "openlake.run.evidence"
FORMAT_VERSION = 1


def canonical(value: Any) -> str:
    """Spell plain data as canonical JSON."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document without its field `sha256`."""
    content = {name: value for name, value in document.items() if name != "sha256"}
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def verify(document: object) -> dict[str, Any]:
    """Return a document of evidence that is as it was made.

    Raises:
        Invalid: it is no evidence, of a format that is not known here, or it was changed.
    """
    content = cast(dict[str, Any], document) if isinstance(document, dict) else {}
    if content.get("format") != FORMAT:
        raise Invalid("this is not the evidence of a run, as `openlake runs evidence` writes it")
    if content.get("format_version") != FORMAT_VERSION:
        raise Invalid(
            f"this evidence has format version {content.get('format_version')}; this OpenLake reads"
            f" version {FORMAT_VERSION}"
        )
    if content.get("sha256") != digest(content):
        raise Invalid(
            "this evidence was changed after it was made: its content does not have the SHA-256"
            f" that it names ({content.get('sha256')})"
        )
    return content
