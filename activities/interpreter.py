"""Makes a process that a warm interpreter forked into what a fresh one would be for a script.

A fresh interpreter reads variables, settles its path, imports `site`, and runs the script as
`__main__`. So does this, in the user's process and as the user, on top of what is imported already.
Where the difference could be seen, it declines, and a fresh interpreter is started (`can_become`).
"""

from __future__ import annotations

import ctypes
import importlib.machinery
import os
import signal
import site
import sys
import time
import types

from activities import departure
from activities.processes import MARKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROOM = 4096
"""Bytes of the variable, and of the argument, by which a server leaves room for a task's own."""

_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_", "OPENSSL_")
"""Variables that interpreter, linker and libraries read once begin so."""

_SET_DUMPABLE = 4
"""See prctl(2)."""

_NO_SITE = 6
"""Where `sys.flags` holds `no_site`, by which it tells subprocesses to go without packages."""

_libc = ctypes.CDLL(None)
_base: list[str] = []
"""The path before `site` has added packages."""
_usual: list[str] = []
"""The path of this interpreter."""
_warm: set[str] = set()
"""Top-level modules that no file of a user can take the place of any more."""
_areas: list[tuple[int, int]] = []


class Script(BaseException):
    """Raised where a process has become ready to run a script, to leave all frames behind.

    Args:
        path: Of the file.
        code: What it was compiled to.
    """

    def __init__(self, path: str, code: types.CodeType) -> None:
        """See class."""
        super().__init__()
        self.code = code
        module = types.ModuleType("__main__")
        self.names: dict[str, Any] = vars(module)
        self.names.update(
            __annotations__={},
            __builtins__=sys.modules["builtins"],
            __loader__=importlib.machinery.SourceFileLoader("__main__", path),
            __file__=path,
            __cached__=None,
        )
        sys.modules["__main__"] = module


def prepare(ours: str) -> None:
    """Note what a fresh interpreter begins with; called once, in the server.

    Args:
        ours: The folder that our own modules came from.
    """
    sys.path_importer_cache.pop(ours, None)
    _base.extend(sys.path)
    site.main()
    _usual.extend(sys.path)
    _warm.update(name.partition(".")[0] for name in sys.modules)
    _warm.update(("sitecustomize", "usercustomize"))
    _warm.difference_update(("__main__", "activities"))
    if sys.platform != "linux":
        return
    with open("/proc/self/stat", "rb") as file:
        # From the state, field 3, on: the addresses are fields 48 to 51; see proc(5).
        fields = [int(each) for each in file.read().rpartition(b")")[2].split()[1:]]
    words, variables = (fields[44], fields[45]), (fields[46], fields[47])
    # Some sandboxes tell no addresses.
    if variables[0] and MARKER.encode() in ctypes.string_at(variables[0], ROOM):
        _areas.extend((words, variables))
    ctypes.pythonapi.PyStructSequence_SetItem.argtypes = (
        ctypes.py_object,
        ctypes.c_ssize_t,
        ctypes.py_object,
    )
    ctypes.pythonapi.PyStructSequence_SetItem.restype = None
    ctypes.pythonapi.PyStructSequence_SetItem(sys.flags, _NO_SITE, 0)
    rename(sys.argv[:1])


def rename(argv: list[str]) -> None:
    """Show these words as the process's command line, as far as there is room."""
    if _areas:
        _overwrite(_areas[0], "\0".join([*argv, ""]))


def can_become(spec: dict[str, Any]) -> bool:
    """Tell whether this process can run the task's script just as a fresh interpreter would."""
    wanted, path = spec["environment"], spec["argv"][1]
    if not _areas or len(os.fsencode(spec["marker"])) > ROOM or not path.endswith(".py"):
        return False
    mine = {name: value for name, value in os.environ.items() if name.startswith(_AT_START)}
    theirs = {name: value for name, value in wanted.items() if name.startswith(_AT_START)}
    theirs.pop("PYTHONPATH", None)
    return mine == theirs and not any(_hides(each) for each in _own_folders(spec))


def become(spec: dict[str, Any]) -> None:
    """Turn into the interpreter of the task's script.

    Returns without having changed anything when the script is no program: a fresh interpreter
    tells people why.

    Raises:
        Script: what is left to do.
    """
    path = spec["argv"][1]
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except Exception:
        return
    _take_variables(spec)
    sys.orig_argv[:] = spec["argv"]
    sys.argv[:] = spec["argv"][1:]
    _take_path(spec)
    for name in [name for name in sys.modules if name.partition(".")[0] == "activities"]:
        del sys.modules[name]
    departure.arm()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    raise Script(path, code)


def _take_variables(spec: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(spec["environment"])
    time.tzset()
    rename(spec["argv"])
    # What the system shows of a process, and of all that it forks, are the variables it began with.
    _overwrite(_areas[1], f"{MARKER}={spec['marker']}\0")
    if spec["uid"] is not None:
        # Whoever changed its user may not look into itself (/proc/self) until it says so.
        _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def _take_path(spec: dict[str, Any]) -> None:
    folder, *asked = _own_folders(spec)
    python = spec["argv"][0]
    if python == sys.executable:
        sys.path[:] = dict.fromkeys([*asked, *_usual])
    else:
        # Another environment of the same Python. What its packages do at a start is done as the
        # user and for this task alone.
        sys.executable = python
        sys.path[:] = dict.fromkeys([*asked, *_base])
        site.main()
    sys.path.insert(0, folder)


def _own_folders(spec: dict[str, Any]) -> list[str]:
    """Return the script's folder, and those of PYTHONPATH."""
    asked = spec["environment"].get("PYTHONPATH")
    folders = [os.path.abspath(each) for each in asked.split(os.pathsep)] if asked else []
    return [os.path.dirname(os.path.realpath(spec["argv"][1])), *folders]


def _hides(folder: str) -> bool:
    """Tell whether a module of this folder would be taken for one that is imported already."""
    try:
        entries = os.listdir(folder)
    except OSError:
        return False
    for entry in entries:
        name, _, suffix = entry.partition(".")
        if name in _warm and (
            suffix.endswith(("py", "pyc", "so"))
            or os.path.exists(os.path.join(folder, entry, "__init__.py"))
        ):
            return True
    return False


def _overwrite(area: tuple[int, int], text: str) -> None:
    start, end = area
    ctypes.memmove(
        start, os.fsencode(text)[: end - start - 1].ljust(end - start, b"\0"), end - start
    )
