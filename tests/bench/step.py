"""The user code of every run that is measured: it notes in a ledger when it began and ended.

Each subject runs this same file, so it imports nothing but Python's own: OpenLake as the script of
a task, the others as a function of theirs.
"""

import os
import sys
import time


def step(ledger: str, run: str, key: str, seconds: str = "0") -> None:
    """Begin, sleep for so long, end."""
    note(ledger, "begin", run, key)
    time.sleep(float(seconds))
    note(ledger, "end", run, key)


def note(ledger: str, what: str, run: str, key: str) -> None:
    """Append one line; the system keeps the lines of many processes whole."""
    line = f"{what}\t{run}\t{key}\t{time.time_ns()}\n"
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


if __name__ == "__main__":
    step(*sys.argv[1:])
