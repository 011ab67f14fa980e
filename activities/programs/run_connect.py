"""Runs a Python program on a warm Spark Connect server, in a session of the attempt's own.

Started as `python run_connect.py SETTINGS FILE ARGUMENT…` with `SPARK_REMOTE` naming server and
session. Imports nothing of OpenLake's own. The settings (JSON, with the attempt's catalog token)
are set in the server's session before user code begins; whatever connects with the same
`SPARK_REMOTE` (user code, or a notebook's kernel) is in that session.
"""

import json
import os
import runpy
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

_PATIENCE_S = 5.0
_TERMINATED = 128 + signal.SIGTERM


def main(settings: Path, program: Path) -> int:
    """Prepare the session, run the program as `python FILE` would, and let the session go."""
    from pyspark.sql import SparkSession

    session: Any = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()
    for name, value in json.loads(settings.read_text()).items():
        session.conf.set(name, value)

    def interrupt() -> None:
        _within(_PATIENCE_S, session.interruptAll)
        os._exit(_TERMINATED)

    def stop(_number: int, _frame: object) -> None:
        # In a thread: the main one may be in the middle of a call to the server.
        threading.Thread(target=interrupt).start()

    signal.signal(signal.SIGTERM, stop)
    code = _run(program)
    _within(_PATIENCE_S, session.stop)
    return code


def _run(program: Path) -> int:
    sys.argv = [str(program), *sys.argv[3:]]
    sys.path[0] = str(program.parent)
    try:
        runpy.run_path(str(program), run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _within(patience_s: float, call: Any) -> None:
    """Call a server that may be away; a daemon thread waits, not we."""
    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(patience_s)


if __name__ == "__main__":
    ended = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    # The client's threads would wait for a server that has gone.
    os._exit(ended)
