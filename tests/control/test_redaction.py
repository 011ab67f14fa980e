"""Values are taken out of what an attempt writes, however they are cut and spelled."""

import base64
import json
import random
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from control.secrets.redaction import MARK, Redactor

SURE = 1 << 20


def stream(redactor: Redactor, content: bytes, cuts: list[int]) -> bytes:
    """Send content as it grows; what is not taken comes again."""
    said, sent = b"", 0
    for cut in sorted({min(each, len(content)) for each in cuts}):
        if cut > sent:
            part, taken = redactor.part(content[sent:cut], SURE)
            said, sent = said + part, sent + taken
    return said + redactor.whole(content[sent:])[0]


@pytest.mark.parametrize(
    "spelled",
    [
        "s3cr/t pä=",
        base64.b64encode("s3cr/t pä=".encode()).decode(),
        base64.b64encode("s3cr/t pä=".encode()).decode().rstrip("="),
        base64.urlsafe_b64encode("s3cr/t pä=".encode()).decode(),
        quote("s3cr/t pä="),
        quote("s3cr/t pä=", safe=""),
        quote_plus("s3cr/t pä="),
        json.dumps("s3cr/t pä=")[1:-1],
    ],
)
def test_every_spelling_is_found(spelled: str) -> None:
    redactor = Redactor(["s3cr/t pä=".encode()])
    assert redactor.text(f"a {spelled} b") == "a [REDACTED] b"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "x", "xy"])
def test_a_value_inside_of_a_longer_base64_text_is_found(user: str, after: str) -> None:
    whole = base64.b64encode(f"{user}:hunter2-hunter2{after}".encode()).decode()
    left = Redactor([b"hunter2-hunter2"]).text(f"Basic {whole}")
    assert "[REDACTED]" in left
    assert len(left.replace("[REDACTED]", "")) <= len("Basic ") + 8 + len(user + after)


def test_lines_of_a_value_stay_together() -> None:
    key = "-----BEGIN-----\nabc\ndef\n-----END-----\n"
    redactor = Redactor([key.encode()])
    assert redactor.text(f"{key}rest") == "[REDACTED]rest"
    assert redactor.text(key.strip()) == "[REDACTED]"
    assert "abc" not in redactor.text(json.dumps({"key": key}))


def test_short_values_are_left() -> None:
    assert not Redactor([b"abc", b""])
    assert Redactor([b"abcd"]).text("abcd abc") == "[REDACTED] abc"


def test_overlapping_values_are_one() -> None:
    assert Redactor([b"abcde", b"defgh"]).text("-abcdefgh-") == "-[REDACTED]-"
    assert Redactor([b"aaaa"]).text("aaaaaa b") == "[REDACTED] b"


def test_a_tree_is_redacted_in_keys_texts_and_numbers() -> None:
    tree = {"k12345": ["x 12345", 12345, True, None, 1.5], "other": {"n": 7}}
    assert Redactor([b"12345"]).tree(tree) == {
        "k[REDACTED]": ["x [REDACTED]", "[REDACTED]", True, None, 1.5],
        "other": {"n": 7},
    }


@given(
    st.lists(st.sampled_from([b"hunter2", b"h", b"hunter", b"2\n", b"aXYXY", b"XYXYb", b" "])),
    st.lists(st.integers(0, 60)),
)
@example([b"aXYXY", b"XYXYb"], [3, 5, 7])
def test_where_chunks_end_makes_no_difference_to_what_is_hidden(
    parts: list[bytes], cuts: list[int]
) -> None:
    content = b"".join(parts)
    redactor = Redactor([b"hunter2", b"XYXY"])
    said = stream(redactor, content, cuts)
    assert b"hunter2" not in said and b"XYXY" not in said
    assert said == redactor.whole(content)[0]


def test_what_may_become_a_value_waits_and_all_else_does_not() -> None:
    redactor = Redactor([b"hunter2"])
    assert redactor.part(b"password: hunt", SURE) == (b"password: ", 10)
    assert redactor.part(b"password: hunting\n", SURE) == (b"password: hunting\n", 18)
    assert redactor.part(b"hunt", SURE) == (b"", 0)
    assert redactor.whole(b"hunt") == (b"hunt", 4)


def test_a_stream_of_nothing_but_values_goes_on() -> None:
    redactor = Redactor([b"aaaa"])
    said, taken = redactor.part(b"a" * SURE, SURE)
    assert said == MARK
    assert taken > 0


def test_text_that_was_cut_off_in_a_value_hides_its_beginning() -> None:
    redactor = Redactor([b"hunter2-hunter2"])
    assert redactor.cut_text("no hunter2-hunter2: hunter2-hun") == "no [REDACTED]: [REDACTED]"
    assert redactor.cut_text("no hunter2-hunter2") == "no [REDACTED]"
    assert redactor.cut_text("no hun") == "no hun"


def test_large_values_take_no_longer_than_they_must() -> None:
    value = bytes(random.Random(7).randrange(256) for _ in range(128 * 1024))
    redactor = Redactor([value])
    started = time.process_time()
    content = b"x" * 100_000 + value[:100_000]
    assert redactor.part(content, SURE) == (b"x" * 100_000, 100_000)
    assert time.process_time() - started < 2
    whole = content + value[100_000:] + b"\n"
    assert redactor.part(whole, SURE) == (b"x" * 100_000 + MARK + b"\n", len(whole))
