"""Points at which a test holds this process, to kill it or its neighbours between two steps.

They do nothing unless the variable `OPENLAKE_FAULTS` of the process names a folder. A file there
that is called as a step holds whoever comes there first: it is renamed to `STEP.reached`, so that
only one is held, who goes on when that file is gone. Numbers are taken off the names of branches:
the step `merged into run_1048576` is asked for by a file `merged into run`.
"""

import asyncio
import os
import re

_FOLDER = os.environ.get("OPENLAKE_FAULTS")
_NUMBERS = re.compile(r"\b(run|attempt)(_\d+)+")
_PAUSE_S = 0.05


async def reach(step: str) -> None:
    """Wait here if that has been asked for."""
    if _FOLDER is None:
        return
    asked = os.path.join(_FOLDER, _NUMBERS.sub(r"\1", step))
    held = f"{asked}.reached"
    try:
        os.rename(asked, held)
    except FileNotFoundError:
        return
    while os.path.exists(held):  # noqa: ASYNC110, ASYNC240 - the test is another process
        await asyncio.sleep(_PAUSE_S)
