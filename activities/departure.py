"""How a forked task's process ends: as an interpreter does, without taking apart what was warm.

An interpreter ends by destroying every module. In a forked process that copies nearly all memory
it shared, which takes ten times as long as the fork. So the user's own modules and objects are
destroyed, in the interpreter's order, and then the process is gone. Wherever more than that would
be needed, the interpreter does it all itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
import types
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_code: int | None = None
"""With what to end; None leaves the end to the interpreter."""
_warm: frozenset[str] = frozenset()


def come_last() -> None:
    """Register for the end; called before anything else is, to be called after all of it."""
    atexit.register(_depart)


def arm() -> None:
    """End quickly from now on: what is imported later is the user's."""
    global _code, _warm
    _code = 0
    _warm = frozenset(sys.modules)


def note(error: BaseException) -> None:
    """Note by which exception the script ended; the interpreter tells people of it."""
    global _code
    if isinstance(error, SystemExit):
        told = 0 if error.code is None else error.code
        _code = told & 0xFF if isinstance(told, int) else None
    elif isinstance(error, KeyboardInterrupt) or sys.excepthook is not sys.__excepthook__:
        _code = None
    else:
        _code = 1


def _depart() -> None:
    others = len(sys._current_frames()) > 1  # pyright: ignore[reportPrivateUsage]
    if _code is None or others or _has_native_code():
        return
    sys.last_value = sys.last_traceback = sys.last_type = None
    _flush_files()
    # As `finalize_modules` of CPython's pylifecycle.c: what nobody holds goes first.
    _empty(sys.modules["__main__"])
    left = [_let_go(name) for name in list(sys.modules) if name not in _warm]
    gc.collect()
    for module in reversed(left):
        _empty(module())
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:
        return
    os._exit(_code)


def _has_native_code() -> bool:
    """Tell whether packages brought C code, which may want to know of the end."""
    files = [getattr(sys.modules[name], "__file__", None) for name in sys.modules.keys() - _warm]
    return any(
        isinstance(each, str) and each.endswith(".so") and "lib-dynload" not in each
        for each in files
    )


def _flush_files() -> None:
    """Write what files that nobody closed still hold: the order they are destroyed in is chance."""
    for each in gc.get_objects():
        if issubclass(type(each), io.TextIOWrapper | io.BufferedWriter):
            with contextlib.suppress(Exception):
                each.flush()


def _let_go(name: str) -> Callable[[], object]:
    module = sys.modules.pop(name)
    try:
        return weakref.ref(module)
    except TypeError:
        # Anything may stand in for a module.
        return lambda: None


def _empty(module: object) -> None:
    if not isinstance(module, types.ModuleType):
        return
    names = vars(module)
    for private in (True, False):
        for name in list(names):
            if name.startswith("_") is private and name != "__builtins__":
                names[name] = None
