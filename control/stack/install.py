"""Installs tools side by side: one lock, drafts that become real by a rename, one clean stop."""

import fcntl
import shutil
import tarfile
from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter

from control.stack.commands import Cancelled, Runner
from control.stack.layout import Layout
from control.stack.progress import Progress
from control.stack.tool import Tool, log_beside
from control.stack.tools import make_tool
from spec.errors import Unavailable

_DRAFT = ".draft-"
_MIB = 1024 * 1024


def missing_tools(layout: Layout, names: Iterable[str]) -> list[str]:
    """Return those of the named tools that are not installed."""
    return [name for name in names if not make_tool(name, layout).ready()]


def install(layout: Layout, names: Iterable[str], progress: Progress) -> None:
    """Install what is missing of the named tools and of what those need; harmless to repeat.

    Raises:
        Unavailable: Something could not be had; what was finished stays.
        KeyboardInterrupt: Every child has been ended and no draft is left.
    """
    wanted = missing_tools(layout, names)
    if not wanted:
        return
    _make_folder(layout)
    with _locked(layout, progress):
        _remove_drafts(layout)
        try:
            _install_all(layout, wanted, progress)
        finally:
            _remove_drafts(layout)


def _install_all(layout: Layout, wanted: list[str], progress: Progress) -> None:
    tools = _with_needs(layout, wanted)
    _require_room(layout, list(tools.values()))
    order = TopologicalSorter({name: tool.needs for name, tool in tools.items()})
    order.prepare()
    runner = Runner()
    failures: list[Unavailable] = []
    with ThreadPoolExecutor(max_workers=max(1, len(tools))) as pool:
        under_way: dict[Future[None], str] = {}
        try:
            while order.is_active() and not (failures and not under_way):
                for name in () if failures else order.get_ready():
                    future = pool.submit(_install_one, layout, tools[name], runner, progress)
                    under_way[future] = name
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    name = under_way.pop(future)
                    try:
                        future.result()
                        order.done(name)
                    except Unavailable as error:
                        failures.append(error)
        except BaseException:
            runner.cancel()
            raise
    if failures:
        raise failures[0]


def _install_one(layout: Layout, tool: Tool, runner: Runner, progress: Progress) -> None:
    if tool.ready():
        return
    progress.begin(tool.name, "looking for it")
    draft = layout.cache_dir / f"{_DRAFT}{tool.target.name}"
    try:
        found = tool.adopt()
        draft.mkdir()
        if found:
            (draft / tool.proof.name).symlink_to(found)
        else:
            tool.fill(draft, runner, lambda text: progress.say(tool.name, text))
        # A target without its proof is a link to a program that has gone from PATH.
        shutil.rmtree(tool.target, ignore_errors=True)
        draft.replace(tool.target)
        log_beside(draft).unlink(missing_ok=True)
    except Cancelled:
        log_beside(draft).unlink(missing_ok=True)
        progress.fail(tool.name, "stopped")
        raise
    except (tarfile.TarError, EOFError) as error:
        progress.fail(tool.name, str(error))
        raise Unavailable(
            f"{tool.name} came damaged ({error}); run the same command again"
        ) from error
    except OSError as error:
        progress.fail(tool.name, str(error))
        raise Unavailable(f"{tool.name} could not be installed: {_say_os_error(error)}") from error
    except Unavailable as error:
        progress.fail(tool.name, error.message)
        raise
    progress.end(tool.name, f"from PATH: {found}" if found else tool.version)


def _with_needs(layout: Layout, names: Iterable[str]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in tools:
            tools[name] = make_tool(name, layout)
            waiting += tools[name].needs
    return tools


def _require_room(layout: Layout, tools: list[Tool]) -> None:
    free = shutil.disk_usage(layout.cache_dir).free // _MIB
    wanted = sum(tool.room_mib for tool in tools if not tool.ready())
    if free < wanted:
        raise Unavailable(
            f"the disk of {layout.cache_dir} has {free} MiB free but the installation wants about "
            f"{wanted} MiB; free some space, or set OPENLAKE_CACHE_DIR to a folder on another disk"
        )


def _say_os_error(error: OSError) -> str:
    if error.errno == 28:  # ENOSPC
        return "the disk is full; free some space and run the same command again"
    return f"{error.strerror or error} ({error.filename})"


def _make_folder(layout: Layout) -> None:
    try:
        layout.cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the cache folder {layout.cache_dir} cannot be made ({error.strerror}); "
            "set OPENLAKE_CACHE_DIR to a folder you can write"
        ) from error


def _remove_drafts(layout: Layout) -> None:
    for left in layout.cache_dir.glob(f"{_DRAFT}*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif left.suffix != ".log":
            left.unlink(missing_ok=True)


@contextmanager
def _locked(layout: Layout, progress: Progress) -> Generator[None]:
    """Hold the cache's lock; the system frees it when the process dies."""
    with (layout.cache_dir / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.begin("lock", "another installation is under way; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
            progress.end("lock", "the other installation has ended")
        yield
