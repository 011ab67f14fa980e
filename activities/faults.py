"""Points at which a test lets this worker die as by `kill -9`; they do nothing unless asked for.

The variable `OPENLAKE_FAULTS` of the worker's own process names a folder. A file `POINT@TASK_KEY`
in it asks for one death at that point of that task. It is renamed to `POINT@TASK_KEY.fired` first,
so the death comes once, however often the worker is started again. User code never gets the
worker's variables, and what it sets in its own process is not looked at here.
"""

import os
import signal
from enum import StrEnum


class Point(StrEnum):
    """Where a worker can die on an attempt's way; for Trino, on each statement's."""

    BEFORE_INTENT = "before_intent"
    """Nothing is written about the outside work yet."""
    AFTER_INTENT = "after_intent"
    """What is to be started is written; nothing has been started."""
    AFTER_TAKE = "after_take"
    """Of a statement on a warehouse (whose id stands for the task's key): it is taken up, and
    nothing has been sent to the engine."""
    AFTER_SUBMIT = "after_submit"
    """The outside work is there; nothing is written about that."""
    AFTER_HANDLE = "after_handle"
    """Temporal has been told where the work is, by a heartbeat."""
    BEFORE_FINISH = "before_finish"
    """Log, lineage and output have been shipped; Temporal has not heard of the end. Of a statement:
    the engine has answered, and the control plane has not heard of it."""


OF_TASKS = tuple(point for point in Point if point is not Point.AFTER_TAKE)
"""The points that an attempt of a task passes, in their order."""

_FOLDER = os.environ.get("OPENLAKE_FAULTS")


def reach(point: Point, task_key: str) -> None:
    """Die here if that has been asked for."""
    if _FOLDER is None:
        return
    fault = os.path.join(_FOLDER, f"{point}@{task_key}")
    try:
        os.rename(fault, f"{fault}.fired")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
