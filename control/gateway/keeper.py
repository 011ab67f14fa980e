"""Keeps one serving child alive without ever closing its listening socket.

A gateway that crashes or is killed is forked anew within milliseconds. The parent holds the
socket, so a client that sends its commit again meanwhile waits in the queue instead of being
refused: Iceberg's Java client repeats a mutation after a lost answer, but not after a refused
connection. The parent itself does nothing that could crash.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_MIN_LIFE_S = 1.0
"""A child that lives shorter is not replaced at once, so that a crash loop stays slow."""


def keep(serve: Callable[[], None]) -> int:
    """Run `serve` in a child until it ends by itself or a signal ends this process.

    Call it before any thread is started.

    Args:
        serve: Runs in the child; SIGTERM and SIGINT are for it to handle.

    Returns:
        The exit status for this process.
    """
    child = 0
    stopping = False

    def forward(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child:
            # Always this one: a terminal's Ctrl-C reaches the child as well, and a second SIGINT
            # would make it drop the requests under way.
            os.kill(child, signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        while True:
            began = time.monotonic()
            child = _fork(serve)
            if stopping:
                os.kill(child, signal.SIGTERM)
            _, status = os.waitpid(child, 0)
            child = 0
            if stopping or os.WIFEXITED(status):
                return abs(os.waitstatus_to_exitcode(status)) if not stopping else 0
            log.error("gateway.child_died", signal=os.WTERMSIG(status))
            time.sleep(max(0.0, _MIN_LIFE_S - (time.monotonic() - began)))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fork(serve: Callable[[], None]) -> int:
    lifeline, held = os.pipe()
    child = os.fork()
    if child:
        os.close(lifeline)
        # `held` stays open for as long as this process lives: its end is the child's end.
        return child
    status = 1
    try:
        os.close(held)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        threading.Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
        serve()
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except Exception:
        log.exception("gateway.serving_failed")
    finally:
        os._exit(status)


def _die_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)
