"""Tasks that are forked from a warm interpreter: what they see is what a fresh one shows."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activities import processes
from activities.config import WorkerConfig
from activities.engines.process import PythonEngine
from activities.engines.starting import Starter
from activities.folder import AttemptFolder
from activities.follow import Follower
from activities.processes import MARKER, Pulse
from spec.attempts import AttemptOutcome, AttemptResult, AttemptWork, Compute, PythonProgram
from spec.tasks import Isolation
from tests.activities.fakes import FakeControl, make_ref, make_work
from tests.activities.test_folder import make_folder, start_runner, wait_for_end
from tests.activities.test_isolation import isolated, open_folder

__all__ = ["isolated", "open_folder"]


class Pair:
    """Runs the same task in a fresh interpreter and in a forked one."""

    def __init__(self, config: WorkerConfig, control: FakeControl) -> None:
        self.config = config
        self.control = control
        self.runs = 0

    async def run(
        self,
        isolation: Isolation,
        main: str,
        *,
        compute: Compute | None = None,
        files: dict[str, str] | None = None,
    ) -> tuple[AttemptOutcome, str]:
        """Return the outcome and the log, in which the attempt's own folder is `HERE`."""
        self.runs += 1
        program = PythonProgram(path="main.py", parameters=("a b", "--flag"))
        self.control.isolation = isolation
        work = make_work(make_ref(self.runs), program, compute=compute or Compute())
        work = self.control.add(work, main=main, **(files or {}))
        engine = PythonEngine(self.config)
        config = self.config
        follower = Follower(work.ref, self.control, engine, config.host, config.folder, None)
        outcome = await follower.run()
        return outcome, self.control.log(work.ref).replace(str(self.folder(work).path), "HERE")

    async def both(self, main: str, **files: str) -> list[tuple[AttemptOutcome, str]]:
        """Run it once each way."""
        return [await self.run(isolation, main, files=files) for isolation in Isolation]

    def folder(self, work: AttemptWork) -> AttemptFolder:
        return AttemptFolder(self.config.folder / work.key, work.key)


@pytest.fixture
def pair(config: WorkerConfig, control: FakeControl) -> Pair:
    return Pair(config, control)


_ENVIRONMENT = """
import os, signal, sys
for name, value in sorted(os.environ.items()):
    if name not in ("OPENLAKE_TASK_RUN_ID", "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_PARENT_RUN_ID"):
        print(name, value)
print(sys.argv, sys.orig_argv, sys.path, sys.executable, sys.prefix, sys.flags)
print(sorted(vars()), __file__, __name__, __spec__, __loader__.path)
print(os.getcwd(), os.umask(0), os.getpgrp() == os.getpid(), os.getuid())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
    print(number, signal.getsignal(number))
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.line_buffering)
print(sorted(os.listdir("/proc/self/fd")))
print(open("/proc/self/cmdline").read().rstrip(chr(0)).split(chr(0)))
print([name for name in sys.modules if name.startswith("activities")])
print([each for each in open("/proc/self/environ").read().split(chr(0)) if MARK in each])
"""


async def test_a_forked_task_sees_what_a_fresh_one_sees(pair: Pair) -> None:
    fresh, forked = await pair.both(_ENVIRONMENT.replace("MARK", repr(MARKER)))
    assert fresh[0].result is AttemptResult.SUCCESS
    assert forked[1].splitlines() == fresh[1].splitlines()


_ENDS = {
    "an exception": "def f(x):\n    return 1 / x\nf(0)",
    "a chain": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('bad') from e",
    "bad syntax": "print('never')\ndef f(:\n",
    "bad encoding": "# coding: latin-9000\n",
    "exit code": "import sys; sys.exit(7)",
    "exit text": "raise SystemExit('with words')",
    "interrupt": "raise KeyboardInterrupt",
    "signal": "import os; os.kill(os.getpid(), 9)",
    "at once": "import os; os._exit(3)",
    "hook": "import sys\nsys.excepthook = lambda *_: sys.exit(9)\nraise ValueError",
    "handlers": "import atexit, logging.handlers as h\natexit.register(print, 'handler')\n"
    "m = h.MemoryHandler(9, target=h.logging.StreamHandler())\n"
    "m.emit(h.logging.makeLogRecord({'msg': 'kept', 'levelno': 20}))\nraise ValueError(1)",
    "a thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(.05), print('thread'))).start()\nprint('main')",
    "a daemon": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\nprint('main')",
    "a pool": "import multiprocessing as m\nprint(m.Pool(1).map(abs, [-1]))",
    "the stack": "import sys\ndef f(): return sys._getframe(1).f_code.co_name\nprint(f())",
}


@pytest.mark.parametrize("main", _ENDS.values(), ids=_ENDS)
async def test_it_ends_and_says_what_a_fresh_one_says(pair: Pair, main: str) -> None:
    fresh, forked = await pair.both(main)
    assert forked[1] == fresh[1]
    assert (forked[0].result, forked[0].message) == (fresh[0].result, fresh[0].message)


async def test_the_users_objects_are_destroyed_at_the_end(pair: Pair) -> None:
    near = """
def f(): pass
class B:
    def __del__(self): print("near")
b, file = B(), open("near.txt", "w")
file.write("y")
"""
    main = """
import near
def wait():
    try:
        yield
    finally:
        print("closed")
class A:
    def __del__(self): print("main")
one, waiting, file = A(), wait(), open("left", "w")
next(waiting)
file.write("x")
"""
    for outcome, log in await pair.both(main, near=near):
        assert outcome.result is AttemptResult.SUCCESS
        assert log.split() == ["main", "closed", "near"]
    for name, content in (("left", "x"), ("near.txt", "y")):
        left = pair.config.folder.glob(f"*/work/{name}")
        assert [each.read_text() for each in left] == [content] * 2


_IS_FORKED = "import sys\nprint('decimal' in sys.modules)"


@pytest.mark.parametrize(
    ("variables", "files", "forked"),
    [
        ({"MINE": "1"}, {}, True),
        ({"PYTHONHASHSEED": "1"}, {}, False),
        ({"LD_LIBRARY_PATH": "/tmp"}, {}, False),
        ({}, {"logging": "X = 1"}, False),
        ({}, {"csv/__init__.py": ""}, False),
        ({}, {"csv/data.txt": "", "json.txt": "", "near.py": ""}, True),
    ],
)
async def test_what_a_warm_interpreter_cannot_do_a_fresh_one_does(
    pair: Pair, variables: dict[str, str], files: dict[str, str], forked: bool
) -> None:
    compute = Compute(environment=variables)
    outcome, log = await pair.run(Isolation.FORK, _IS_FORKED, compute=compute, files=files)
    assert outcome.result is AttemptResult.SUCCESS
    assert log == f"{forked}\n"


async def test_modules_of_the_users_are_its_own(pair: Pair) -> None:
    compute = Compute(import_roots=("lib",))
    main = "import near, far, random; print(near.X, far.X, random.random())"
    files = {"near": "X = 1", "lib/far.py": "X = 2"}
    logs = [(await pair.run(Isolation.FORK, main, compute=compute, files=files))[1] for _ in "ab"]
    assert all(log.startswith("1 2 ") for log in logs)
    # What warm interpreters share does not make their tasks draw the same.
    assert logs[0] != logs[1]


async def test_a_forked_task_is_a_user_of_its_own(
    isolated: WorkerConfig, control: FakeControl
) -> None:
    main = """
import ctypes, os
print(os.getuid(), os.getgid(), os.getgroups(), bool(os.listdir("/proc/self/fd")))
for act in (lambda: os.setuid(0), lambda: open("../spec.json")):
    try:
        act()
        print("allowed")
    except PermissionError:
        pass
"""
    outcome, log = await Pair(isolated, control).run(Isolation.FORK, main)
    assert outcome.result is AttemptResult.SUCCESS, log
    assert log == f"{isolated.uid} {isolated.uid} [] True\n"


async def test_another_environment_is_taken_by_its_interpreter(
    config: WorkerConfig, tmp_path: Path
) -> None:
    made = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    packages = next(made.glob("lib/*/site-packages"))
    (packages / "only_there.py").write_text("X = 5")
    (packages / "hook.pth").write_text("import only_there; only_there.X += 1\n")
    folder = make_folder(tmp_path / "a", str(made / "bin" / "python"), str(tmp_path / "main.py"))
    (tmp_path / "main.py").write_text(
        "import sys, sysconfig, only_there\n"
        "print(only_there.X, sys.prefix, sysconfig.get_path('purelib'), sys.path)"
    )
    _edit(folder, fork=True, environment={"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"})
    await start_runner(folder)
    assert wait_for_end(folder).code == 0
    fresh = subprocess.run(
        folder.read_json("spec.json")["argv"], env={}, capture_output=True, check=True, text=True
    )
    assert folder.log.read_text() == fresh.stdout


async def test_whatever_a_forked_task_forked_is_found_by_its_mark(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork(): os._exit(0)\n"
        "    print(os.getpid())\n    time.sleep(60)\n"
        "time.sleep(60)\n"
    )
    folder = make_folder(tmp_path / "a", sys.executable, str(tmp_path / "main.py"))
    _edit(folder, fork=True, environment={"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"})
    await start_runner(folder)
    while not folder.log.exists() or not folder.log.read_text().endswith("\n"):
        await asyncio.sleep(0.01)
    daemon = processes.identify(int(folder.log.read_text()))
    assert daemon.pid in {each.pid for each in processes.marked(folder.mark)}
    runner = folder.runner
    assert runner is not None
    # Without the runner, which adopts it, only the mark is left to know it by.
    processes.send(runner, signal.SIGKILL)
    folder.give_up("gone")
    assert processes.pulse(daemon) is Pulse.DEAD


async def test_a_server_that_was_killed_is_replaced_and_its_work_goes_on(tmp_path: Path) -> None:
    starter = Starter(Path(sys.executable))
    slow = make_folder(tmp_path / "a", "/bin/sh", "-c", "sleep 0.5; echo ran")
    assert await starter.start(slow)
    os.kill(_server(starter), signal.SIGKILL)
    quick = make_folder(tmp_path / "b", "/bin/sh", "-c", "echo ran")
    assert await starter.start(quick)
    assert wait_for_end(quick).code == 0
    starter.close()
    assert wait_for_end(slow).code == 0
    assert slow.log.read_text() == "ran\n"


async def test_a_stopped_server_is_replaced(tmp_path: Path) -> None:
    starter = Starter(Path(sys.executable))
    assert await starter.start(make_folder(tmp_path / "a", "/bin/true"))
    os.kill(_server(starter), signal.SIGSTOP)
    folder = make_folder(tmp_path / "b", "/bin/sh", "-c", "echo ran")
    assert await starter.start(folder)
    assert wait_for_end(folder).code == 0
    starter.close()


def test_a_server_ends_with_its_worker(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "/bin/sleep", "60")
    worker = f"""
import asyncio, os, signal, sys
from pathlib import Path
from activities.engines.starting import Starter
from activities.folder import AttemptFolder
starter = Starter(Path(sys.executable))
asyncio.run(starter.start(AttemptFolder(Path({str(folder.path)!r}), "a")))
print(starter._server._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", worker], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    server = int(done.stdout)
    while _is_there(server):
        pass
    child = folder.child
    assert child is not None and processes.pulse(child) is Pulse.ALIVE
    folder.ask_to_end()
    assert wait_for_end(folder).terminated


async def test_many_start_at_once(tmp_path: Path) -> None:
    folders = [make_folder(tmp_path / f"{n}", "/bin/sh", "-c", "echo ran") for n in range(30)]
    assert all(await asyncio.gather(*(start_runner(each) for each in folders)))
    for folder in folders:
        wait_for_end(folder)
        assert folder.log.read_text() == "ran\n"


def _edit(folder: AttemptFolder, **changes: object) -> None:
    folder.write("spec.json", json.dumps(folder.read_json("spec.json") | changes))


def _server(starter: Starter) -> int:
    server = starter._server
    assert server is not None
    return server._process.pid


def _is_there(pid: int) -> bool:
    try:
        processes.identify(pid)
    except ProcessLookupError:
        return False
    return True
