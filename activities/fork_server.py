"""The fork server: a warm interpreter from which detached runners and forked tasks are made.

Started by a worker as `PYTHON -S fork_server.py SOCKET`, and ended by the end of that socket. Each
message names an attempt's folder and brings a pipe; the server forks the folder's runner, which
answers on the pipe (see `runner.run`). So a task costs two forks instead of an interpreter's start.

The server runs no code of a user and none of the user's packages (`-S`), holds no credentials, and
never has a second thread. It knows nothing of what it has started: when it dies, the runners go on.

What `import` costs is paid here once. In the user's process of a `FORK` task this very program
ends as the user's: its last lines run the task's file where an interpreter runs its script.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WARM = (
    "argparse ast asyncio base64 collections concurrent.futures contextlib copy csv ctypes datetime"
    " decimal email.message enum functools glob hashlib heapq importlib.metadata importlib.util"
    " inspect io itertools json linecache logging math operator os pathlib pickle queue random re"
    " runpy shutil signal socket ssl string struct subprocess tempfile textwrap threading time"
    " traceback types typing urllib.parse urllib.request uuid warnings weakref"
).split()
"""What tasks import most. Not `sysconfig`, nor what imports it: it remembers its environment."""


def main(descriptor: int) -> interpreter.Script:
    """Serve until the worker is gone; return in the process of a forked task alone."""
    channel = socket.socket(fileno=descriptor)
    # Runners are waited for by nobody; a key pressed in the worker's terminal is the worker's.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        message, given, _, _ = socket.recv_fds(channel, 8192, 1)
        if not message:
            sys.exit(0)
        if os.fork() == 0:
            channel.close()
            return _start(os.fsdecode(message.rstrip(b"\n")), given[0])
        os.close(given[0])


def _start(folder: str, answer: int) -> interpreter.Script:
    try:
        interpreter.rename(["openlake-runner", folder])
        runner.run(folder, answer, _begin)
    except interpreter.Script as script:
        return script
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def _begin(spec: dict[str, Any]) -> None:
    if spec["fork"] and interpreter.can_become(spec):
        interpreter.become(spec)
    runner.execute(spec)


if __name__ == "__main__":
    # Ours comes last, and not this file's own folder: its neighbours are no top-level modules.
    sys.path[:] = [*sys.path[1:], sys.argv[2]]
    from activities import departure

    departure.come_last()
    import contextlib

    for module in WARM:
        with contextlib.suppress(ImportError):
            __import__(module)
    import gc
    import os
    import signal
    import socket
    import traceback

    from activities import interpreter, runner

    interpreter.prepare(sys.path.pop())
    gc.freeze()
    script = main(int(sys.argv[1]))
    try:
        exec(script.code, script.names)  # noqa: S102
    except BaseException as error:
        departure.note(error)
        # As if nothing were below the user's file; `raise` alone adds no line of this one.
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        raise
    finally:
        del script
