"""How detached work is judged, who may claim a folder, and who is taken for whom."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from activities import processes
from activities.ending import judge, last_failure
from activities.engines.local import until_dead
from activities.engines.starting import starter
from activities.folder import AttemptFolder, Exit, Sighting, State, classify
from activities.processes import Identity, Pulse
from spec.attempts import AttemptResult


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (Sighting(False, False, Pulse.DEAD, 0), State.UNCLAIMED),
        (Sighting(True, False, Pulse.ALIVE, 1), State.RUNNING),
        (Sighting(True, False, Pulse.STOPPED, 14), State.RUNNING),
        (Sighting(True, False, Pulse.STOPPED, 16), State.LOST),
        (Sighting(True, False, Pulse.ALIVE, 16), State.LOST),
        (Sighting(True, False, Pulse.DEAD, 0), State.LOST),
        (Sighting(True, True, Pulse.DEAD, 99), State.FINISHED),
        (Sighting(True, True, Pulse.ALIVE, 0), State.FINISHED),
    ],
)
def test_classification(seen: Sighting, state: State) -> None:
    assert classify(seen, lease_s=15) is state


@pytest.mark.parametrize(
    ("end", "result"),
    [
        (Exit(code=0), AttemptResult.SUCCESS),
        (Exit(code=1), AttemptResult.FAILED),
        (Exit(code=-9), AttemptResult.FAILED),
        (Exit(code=0, terminated=True), AttemptResult.CANCELED),
        (Exit(code=-15, terminated=True), AttemptResult.CANCELED),
        (Exit(code=-15, lost="machine"), AttemptResult.LOST),
    ],
)
def test_ends(end: Exit, result: AttemptResult) -> None:
    assert judge(end)[0] is result


def make_folder(path: Path, *argv: str) -> AttemptFolder:
    """Make a folder whose process is this command."""
    folder = AttemptFolder(path, path.name)
    folder.make()
    spec = {
        "argv": list(argv),
        "cwd": str(folder.work),
        "environment": {processes.MARKER: folder.key},
        "marker": folder.mark,
        "grace_s": 1,
        "uid": None,
        "fork": False,
    }
    folder.write("spec.json", json.dumps(spec))
    return folder


async def start_runner(folder: AttemptFolder) -> bool:
    return await starter(Path(sys.executable)).start(folder)


def wait_for_end(folder: AttemptFolder) -> Exit:
    deadline = time.monotonic() + 10
    while (end := folder.exit) is None:
        assert time.monotonic() < deadline, (folder.path / "runner.log").read_text()
        time.sleep(0.01)
    return end


async def test_of_racing_runners_one_wins_and_the_work_runs_once(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "/bin/sh", "-c", "echo ran; sleep 0.3")
    racers = await asyncio.gather(*(start_runner(folder) for _ in range(6)))
    assert sorted(racers) == [*[False] * 5, True]
    assert wait_for_end(folder).code == 0
    assert folder.log.read_text() == "ran\n"


async def test_a_command_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "/no/such/program")
    assert await start_runner(folder)
    assert wait_for_end(folder).code == 127
    assert "No such file" in folder.log.read_text()


async def test_the_machine_going_down_is_not_the_codes_fault(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "/bin/sleep", "60")
    await start_runner(folder)
    runner = folder.runner
    assert runner is not None
    processes.send(runner, signal.SIGTERM)
    assert judge(wait_for_end(folder))[0] is AttemptResult.LOST


async def test_a_process_that_ignores_the_request_is_killed_after_the_grace_period(
    tmp_path: Path,
) -> None:
    folder = make_folder(
        tmp_path / "a", "/bin/sh", "-c", "trap '' TERM; echo up; sleep 60; sleep 60"
    )
    await start_runner(folder)
    while not folder.log.exists() or not folder.log.read_text():
        time.sleep(0.01)
    before = time.monotonic()
    folder.ask_to_end()
    end = wait_for_end(folder)
    assert end.terminated and end.code == -9
    assert 0.9 < time.monotonic() - before < 4


async def test_given_up_work_stays_lost_and_can_never_be_started(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", "/bin/sh", "-c", "echo ran")
    folder.give_up("gone")
    assert not await start_runner(folder)
    assert folder.state(15) is State.FINISHED
    assert folder.exit is not None and folder.exit.lost == "gone"
    assert not folder.log.exists()


def test_a_recycled_pid_is_nobody() -> None:
    me = processes.identify(os.getpid())
    assert processes.pulse(me) is Pulse.ALIVE
    assert processes.pulse(Identity(me.boot, me.pid, "1")) is Pulse.DEAD
    assert processes.pulse(Identity("another boot", me.pid, me.start)) is Pulse.DEAD
    assert not processes.send(Identity(me.boot, me.pid, "1"), signal.SIGKILL)


def test_a_stopped_process_and_a_zombie_are_told_apart() -> None:
    child = subprocess.Popen(["/bin/sleep", "60"])
    who = processes.identify(child.pid)
    child.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    assert processes.pulse(who) is Pulse.STOPPED
    child.kill()
    time.sleep(0.1)
    assert processes.pulse(who) is Pulse.DEAD
    child.wait()


def test_the_last_traceback_is_found_with_what_led_to_it() -> None:
    log = """out
Traceback (most recent call last):
  File "old.py", line 1, in <module>
OldError: long ago
more out
Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
ValueError: bad
  with a second line
"""
    error, trace = last_failure(log)
    assert error == "ValueError: bad"
    assert trace is not None and trace.startswith("Traceback") and "KeyError" in trace
    assert "OldError" not in trace
    assert last_failure("fine\n") == (None, None)


async def test_waiting_for_a_death_wakes_at_once() -> None:
    child = subprocess.Popen(["/bin/sleep", "60"])
    who = processes.identify(child.pid)
    before = time.monotonic()
    asyncio.get_running_loop().call_later(0.1, child.kill)
    await until_dead(who, 5)
    assert time.monotonic() - before < 1
    child.wait()


def test_the_last_java_failure_is_found_with_its_causes() -> None:
    log = (
        "Traceback (most recent call last):\nValueError: earlier\n"
        'Exception in thread "main" java.lang.IllegalStateException: as told\n'
        "\tat acme.Main.main(Main.scala:13)\n"
        "Caused by: java.io.IOException: disk\n\tat x.Y.z(Y.java:1)\n\t... 3 more\n"
        "and this is something else\n"
    )
    error, trace = last_failure(log)
    assert error == "java.lang.IllegalStateException: as told"
    assert trace is not None and trace.endswith("\t... 3 more")
    later = log + "Traceback (most recent call last):\nKeyError: 1\n"
    assert last_failure(later)[0] == "KeyError: 1"
