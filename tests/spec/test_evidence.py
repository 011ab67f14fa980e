"""Evidence can be checked by whoever holds it, without asking anybody."""

import json
from typing import Any

import pytest

from spec.errors import Invalid
from spec.evidence import canonical, digest, verify


def document(**fields: Any) -> dict[str, Any]:
    content = {
        "format": "openlake.run.evidence",
        "format_version": 1,
        "run": {"run_name": "Zürich ☂", "run_id": 2**40},
        **fields,
    }
    return {**content, "sha256": digest(content)}


def test_a_document_is_checked_however_it_is_laid_out() -> None:
    made = document()
    turned = json.loads(json.dumps(dict(reversed(made.items())), indent=4))
    assert verify(turned) == made


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["run"].update(run_name="other"),
        lambda d: d.update(more=1),
        lambda d: d.pop("run"),
        lambda d: d.update(sha256="0" * 64),
        lambda d: d.pop("sha256"),
    ],
)
def test_any_change_is_found(change: Any) -> None:
    made = document()
    change(made)
    with pytest.raises(Invalid, match="changed after it was made"):
        verify(made)


@pytest.mark.parametrize("other", [None, [], {}, {"format": "x"}, "text"])
def test_what_is_no_evidence_is_said_to_be_none(other: object) -> None:
    with pytest.raises(Invalid, match="not the evidence of a run"):
        verify(other)


def test_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(Invalid, match="format version 2"):
        verify(document(format_version=2))


def test_canonical_json_has_one_spelling() -> None:
    assert canonical({"b": [1, "ü"], "a": None}) == '{"a":null,"b":[1,"ü"]}'
