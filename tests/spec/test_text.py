"""What user code says can be stored, whatever it is."""

from datetime import UTC, datetime

from spec.attempts import AttemptOutcome, AttemptOutput, AttemptResult, SqlResult
from spec.text import storable


def test_what_cannot_be_spelled_is_replaced_and_all_else_stays() -> None:
    assert storable("a\0b") == "a\ufffdb"
    assert storable("half \ud83d, whole \U0001f600 ä") == "half \ufffd, whole \U0001f600 ä"
    tree = {"k\0": ["\0", 1, None, {"x": 1.5}], "n": True}
    assert storable(tree) == {"k\ufffd": ["\ufffd", 1, None, {"x": 1.5}], "n": True}


def test_outcomes_and_outputs_can_always_be_stored() -> None:
    outcome = AttemptOutcome(
        result=AttemptResult.FAILED, message="a\0b", ended_at=datetime.now(UTC)
    )
    assert outcome.message == "a\ufffdb"
    rows = SqlResult(columns=("a",), rows=(("x\0",),))
    output = AttemptOutput(error="\ud800", values={"k": "\0"}, notebook_result="\0", sql=rows)
    text = output.model_dump_json()
    assert "\\u0000" not in text
    assert (output.error, output.values, output.notebook_result) == (
        "\ufffd",
        {"k": "\ufffd"},
        "\ufffd",
    )
    assert output.sql is not None and output.sql.rows == (("x\ufffd",),)
    assert AttemptOutput.model_validate_json(text) == output
