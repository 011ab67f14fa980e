"""What is taken out of a statement's text before it is kept."""

import time

import pytest

from control.auth import Caller
from control.deps import Deps
from control.secrets import service as secrets
from control.statements.redacting import MOST_CHARACTERS, redacted_text, without_literals
from spec.api.secrets import CreateScope, PutSecret
from tests.control.make import make_user


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("CREATE USER x PASSWORD 'hunter2' CREATEDB", ["hunter2"]),
        ("ALTER USER x IDENTIFIED BY 'hunter2'", ["hunter2"]),
        ("SET s3_secret_access_key='a''b'; SELECT 'c'", ["a''b"]),
        ("CREATE SECRET (KEY_ID 'AKIA', SECRET 'y', REGION 'eu')", ["y"]),
        ("('s3.secret-access-key' = 'zz', 'owner' = 'me')", ["zz"]),
        ("WHERE token IN ('aa', 'bb') AND n = 'cc'", ["aa", "bb"]),
        ("read('postgres://me:p@ss@host/db')", ["p@ss"]),
        ("'host=h password=abc user=x'", ["abc"]),
        ("""'{"api_key": "abc", "n": 1}'""", ["abc"]),
        ("-- password: hunter2\nSELECT 1", ["hunter2"]),
        ("header 'Authorization: Bearer abcdefghij'", ["abcdefghij"]),
    ],
)
def test_a_literal_behind_a_word_for_secrets_is_taken_out(text: str, secrets: list[str]) -> None:
    expected = text
    for secret in secrets:
        before, found, after = expected.rpartition(secret)
        assert found
        expected = f"{before}[REDACTED]{after}"
    assert without_literals(text) == expected


@pytest.mark.parametrize(
    ("literal", "kept"),
    [
        ('"it\'s"', '"[REDACTED]"'),
        ("$x$it's$x$", "$x$[REDACTED]$x$"),
        ("E'it\\'s'", "E'[REDACTED]'"),
        ("'it is cut off", "'[REDACTED]"),
    ],
)
def test_literals_of_every_form_are_known(literal: str, kept: str) -> None:
    assert without_literals(f"WHERE u.password = {literal}") == f"WHERE u.password = {kept}"


@pytest.mark.parametrize("before", [r"LIKE 'a\' AND", r"LIKE 'it\'s' AND"])
def test_a_backslash_hides_nothing_whatever_the_dialect(before: str) -> None:
    assert "hunter2" not in without_literals(f"{before} password = 'hunter2'")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'password', name FROM t WHERE x = 'foo'",
        "SELECT length(password) FROM u WHERE name = 'bob'",
        "SELECT tokenize('abc'), count(tokens) AS n, 'x' FROM t",
        "SET s3_access_key_id = 'AKIA'",
        "SELECT 'http://host:80/path', ts::date, a[1:2], 'me@example.com'",
        "INSERT INTO secrets VALUES ('a', 'b')",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert without_literals(text) == text


@pytest.mark.parametrize("text", ["token", "'" + "\\", "a.-", "://a:", "token ", "$", "x://"])
def test_no_text_takes_long(text: str) -> None:
    long = (text * MOST_CHARACTERS)[:MOST_CHARACTERS]
    began = time.process_time()
    for each in (long, f"'{long}'", f"--{long}"):
        without_literals(each)
    assert time.process_time() - began < 5, "quadratic: more than a hundred times what it takes"


async def test_values_of_the_callers_secrets_are_taken_out(deps: Deps, caller: Caller) -> None:
    async def kept(who: Caller, text: str) -> str:
        async with deps.database.read_session() as session:
            return await redacted_text(session, deps, who, text)

    text = "SELECT * FROM t WHERE id = 'tiger-77'"
    assert await kept(caller, text) == text
    await secrets.create_scope(deps, caller, CreateScope(scope="db"))
    await secrets.put(deps, caller, PutSecret(scope="db", key="k", string_value="tiger-77"))
    assert await kept(caller, text) == "SELECT * FROM t WHERE id = '[REDACTED]'"
    somebody = await make_user(deps.database, "bob@example.com")
    assert await kept(somebody, text) == text, "bob may not read the scope, nor learn of its values"
    cut = " " * (MOST_CHARACTERS - 5) + "tiger-77"
    assert (await kept(caller, cut)).strip() == "[REDACTED]…"
