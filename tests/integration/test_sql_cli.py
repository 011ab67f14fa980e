"""`openlake sql` and `openlake queries` on the real stack."""

import csv
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.integration.stack import Stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TINY = "SELECT 7 AS n, 'it''s' AS t, CAST(NULL AS VARCHAR) AS z"
ROWS = 100_000
LARGE = f"SELECT i AS n, 'row ' || i AS t FROM range({ROWS}) AS r(i)"
ENDLESS = "SELECT sum(a.i * b.i) FROM range(10000000) AS a(i), range(10000000) AS b(i)"


def sql(stack: Stack, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(stack), *words],
        input=given,
        stdin=None if given is not None else subprocess.DEVNULL,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def command(stack: Stack) -> list[str]:
    import sys

    return [sys.executable, "-m", "control.cli", "sql", "-w", "duckdb"]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_form_of_a_tiny_answer(whole_stack: Stack, tmp_path: Path) -> None:
    assert ok(sql(whole_stack, TINY)).splitlines() == [
        "n  t     z",
        "─  ────  ────",
        "7  it's  NULL",
    ]
    assert json.loads(ok(sql(whole_stack, TINY, "-o", "json"))) == [
        {"n": 7, "t": "it's", "z": None}
    ]
    assert ok(sql(whole_stack, "-o", "csv", given=TINY)) == "n,t,z\n7,it's,\n"
    out = tmp_path / "tiny.parquet"
    ok(sql(whole_stack, TINY, "--out", str(out)))
    assert pq.read_table(out).to_pylist() == [{"n": 7, "t": "it's", "z": None}]


def test_every_form_of_a_large_answer(whole_stack: Stack, tmp_path: Path) -> None:
    shown = sql(whole_stack, LARGE)
    assert ok(shown).splitlines()[-1] == "999  row 999"
    assert "the first 1,000 rows; there are more" in shown.stderr
    outs = {form: tmp_path / f"large.{form}" for form in ("json", "csv", "parquet")}
    for out in outs.values():
        ok(sql(whole_stack, LARGE, "--out", str(out)))
    last = {"n": ROWS - 1, "t": f"row {ROWS - 1}"}
    found: list[Any] = json.loads(outs["json"].read_text())
    assert (len(found), found[-1]) == (ROWS, last)
    lines = list(csv.reader(io.StringIO(outs["csv"].read_text())))
    assert (len(lines), lines[-1]) == (ROWS + 1, [str(last["n"]), last["t"]])
    table = pq.read_table(outs["parquet"])
    assert (table.num_rows, table.to_pylist()[-1]) == (ROWS, last)


def test_exit_codes_and_parameters(whole_stack: Stack) -> None:
    failed = sql(whole_stack, "SELECT 1; SELECT * FROM no.such_table; SELECT 2", "-o", "csv")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "no" in failed.stderr and "✗" in failed.stderr
    assert sql(whole_stack, TINY, "--file", "x.sql").returncode == 2
    bound = ok(
        sql(
            whole_stack,
            "SELECT :n + 1 AS n, :t AS t",
            "-p",
            "n=41:INT",
            "-p",
            "t=';--",
            "-o",
            "csv",
        )
    )
    assert bound == "n,t\n42,';--\n"


def test_ctrl_c_stops_the_statement(whole_stack: Stack) -> None:
    client = whole_stack.client()
    process = subprocess.Popen(
        [*command(whole_stack), ENDLESS],
        env=whole_stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs would ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )

    def newest(state: str) -> Any:
        found = client.query_history.list(max_results=1).res or []
        fits = found and found[0].query_text == ENDLESS and found[0].status is not None
        return found[0] if fits and found[0].status.value == state else None  # pyright: ignore[reportOptionalMemberAccess]

    try:
        wait_for(lambda: newest("RUNNING"), 60, "the statement to run")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "cancelled" in said
    assert newest("CANCELED").is_final
    # The warehouse's process works on the next one at once: nothing of the last one goes on.
    began = time.monotonic()
    ok(sql(whole_stack, "SELECT 1"))
    assert time.monotonic() - began < 60


def test_a_saved_query_lives_in_the_terminal(whole_stack: Stack) -> None:
    name = f"daily-{os.getpid()}-{time.time_ns()}"
    run = whole_stack.command
    run("queries", "create", name, "--text", "SELECT :n * 2 AS n", "-p", "n=4")
    assert json.loads(run("queries", "run", name, "-o", "json")) == [{"n": 8}]
    assert json.loads(run("queries", "run", name, "-p", "n=5", "-o", "json")) == [{"n": 10}]
    run("queries", "edit", name, "--text", "SELECT :n AS n,\n       1 AS one")
    assert "+       1 AS one" in run("queries", "diff", name)
    run("queries", "restore", name, "1")
    assert json.loads(run("queries", "run", name, "-o", "json")) == [{"n": 8}]
    causes = [each["cause"] for each in whole_stack.json("queries", "versions", name)]
    assert causes == ["restored from version 1", "updated", "created"]
    assert name in run("queries", "list")
    run("queries", "delete", name)
    assert "SELECT :n * 2 AS n" in whole_stack.json("queries", "history")[0]["query_text"]
