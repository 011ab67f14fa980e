"""`dbutils.notebook`: end a notebook with a result, or run another one."""

import linecache
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from dbruntime._files import FRAME, Frame, leave

_PROGRAM = Path(__file__).parents[2] / "programs" / "run_notebook.py"
_MOST_LEVELS = 5
RESULT_BYTES = 5 * 1024 * 1024
"""Of what a notebook exits with (Databricks' limit)."""


class NotebookExit(SystemExit):
    """Raised by `dbutils.notebook.exit`: ends the program, successfully."""

    def __init__(self, value: str) -> None:
        """Keep the result; the exit code is 0."""
        super().__init__(0)
        self.value = value


class Notebook:
    """`dbutils.notebook`."""

    def exit(self, value: Any) -> None:
        """End the notebook or program with this result."""
        result = str(value)
        if (size := len(result.encode())) > RESULT_BYTES:
            raise ValueError(
                f"the notebook's result has {size} bytes; the limit is {RESULT_BYTES}: write large"
                " data to a table and return its name"
            )
        if FRAME.get() is None:
            leave("notebook.json", {"result": result})
        raise NotebookExit(result)

    def run(
        self, path: str, timeout_seconds: int = 0, arguments: dict[str, Any] | None = None
    ) -> str:
        """Run another notebook in this process and return what it exits with, or "".

        It has variables and parameters of its own, and shares modules and the Spark session. An
        error in it is raised here.

        Args:
            path: Of a notebook beside or below the task's own; relative to the running one.
            timeout_seconds: After so long TimeoutError is raised; 0 means no limit.
            arguments: The other notebook's parameters.
        """
        above = FRAME.get()
        file = _find(path, Path.cwd() if above is None else above.folder)
        level = 1 if above is None else above.level + 1
        if level > _MOST_LEVELS:
            raise RecursionError(f"notebooks run each other more than {_MOST_LEVELS} levels deep")
        widgets = {str(name): str(value) for name, value in (arguments or {}).items()}
        token = FRAME.set(Frame(file.parent, widgets, level))
        try:
            with _limit(timeout_seconds, path):
                _execute(file)
        except NotebookExit as end:
            return end.value
        finally:
            FRAME.reset(token)
        return ""


def _find(path: str, folder: Path) -> Path:
    """Return a notebook's file; an absolute path is one of the workspace."""
    inside = path.removeprefix("/Workspace").lstrip("/")
    base = Path(os.environ.get("HOME", "/")) / inside if path.startswith("/") else folder / path
    for suffix in ("", ".ipynb", ".py"):
        candidate = base.with_name(base.name + suffix).resolve()
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"there is no notebook '{path}' among the task's files: these are what lies beside its own"
        " notebook and below; a notebook elsewhere is run by a task of its own"
    )


@cache
def _program() -> Any:
    """Return the program that runs notebooks, for its reader."""
    spec = spec_from_file_location("openlake_run_notebook", _PROGRAM)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_PROGRAM} is missing")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _execute(file: Path) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    program = _program()
    book = program.load(file)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(file)}
    exec(program.setup_code(), names)  # noqa: S102 - running user code is its purpose
    for number, cell in enumerate(book.cells, 1):
        if cell.cell_type != "code":
            continue
        source: str = TransformerManager().transform_cell(cell.source)
        where = f"<{file.name}, cell {number}>"
        # So that a traceback shows the line.
        linecache.cache[where] = (len(source), None, source.splitlines(True), where)
        exec(compile(source, where, "exec"), names)  # noqa: S102 - as above


@contextmanager
def _limit(seconds: int, path: str) -> Generator[None]:
    """Raise TimeoutError in the block after so many seconds."""
    if seconds <= 0:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise ValueError("dbutils.notebook.run takes a timeout in the main thread only; give 0")

    def expire(*_: object) -> None:
        raise TimeoutError(f"the notebook '{path}' ran longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
