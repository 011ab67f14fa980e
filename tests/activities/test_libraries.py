"""Python environments of tasks: built once, on top of the worker's packages, never half."""

import asyncio
import dataclasses
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from activities import processes
from activities.config import WorkerConfig
from activities.engines.process import PythonEngine
from activities.folder import AttemptFolder
from activities.follow import Follower
from activities.isolation import can_isolate
from activities.libraries import install as libraries
from activities.libraries import python
from activities.libraries.shelf import Shelf
from activities.sweep import sweep
from control.stack.system_user import TASK_USER, ensure_system_user
from spec.attempts import (
    AttemptOutcome,
    AttemptResult,
    AttemptWork,
    Compute,
    NotebookProgram,
    Program,
    PythonLibraries,
    WheelProgram,
)
from tests.activities.fakes import FakeControl, make_ref, make_work
from tests.activities.wheels import make_wheel

UV = Path(sys.executable).with_name("uv")
GREET = """
import sys
def main():
    print("args", sys.argv[1:])
    return 3 if "--fail" in sys.argv else 0
def plain():
    print("plain", sys.argv[1:])
    return {"not": "an exit code"}
"""


@pytest.fixture
def config(config: WorkerConfig) -> WorkerConfig:
    kept = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "HOME", "PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return dataclasses.replace(config, uv=UV, installer_environment=environment)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="openlake-libraries-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def wheel_libraries(
    control: FakeControl, source: str = GREET, name: str = "greeting", **more: Any
) -> PythonLibraries:
    """Libraries of one wheel that the internal API has."""
    scripts = {"greet": f"{name}:main"}
    file, content = make_wheel(name, "1.0", {f"{name}.py": source}, scripts=scripts, **more)
    sha256 = hashlib.sha256(content).hexdigest()
    control.blobs[sha256] = content
    return PythonLibraries(requirements=(f"./libs/{file}",), files={f"libs/{file}": sha256})


def work_with(
    control: FakeControl,
    given: PythonLibraries,
    ordinal: int = 1,
    program: Program | None = None,
    main: str = "",
    **changes: Any,
) -> AttemptWork:
    work = make_work(make_ref(ordinal), program, compute=Compute(python=given), **changes)
    return control.add(work, **({"main": main} if main else {}))


def follower(config: WorkerConfig, control: FakeControl, work: AttemptWork) -> Follower:
    install = partial(libraries.install, config)
    engine = PythonEngine(config)
    return Follower(work.ref, control, engine, config.host, config.folder, None, install)


async def run(config: WorkerConfig, control: FakeControl, work: AttemptWork) -> AttemptOutcome:
    return await follower(config, control, work).run()


async def test_a_wheel_runs_by_its_console_script_and_by_function(
    config: WorkerConfig, control: FakeControl
) -> None:
    given = wheel_libraries(control)
    script = WheelProgram(package_name="greeting", entry_point="greet", parameters=("a", "--b=c"))
    work = work_with(control, given, 1, script)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS
    assert "args ['a', '--b=c']" in control.log(work.ref)
    assert "greeting-1.0" in control.log(work.ref)
    plain = WheelProgram(package_name="greeting", entry_point="plain", parameters=("x",))
    work = work_with(control, given, 2, plain)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS
    # The environment was there already: nothing is installed again.
    assert control.log(work.ref) == "plain ['x']\n"


async def test_a_scripts_number_is_the_exit_code_and_a_missing_one_is_named(
    config: WorkerConfig, control: FakeControl
) -> None:
    given = wheel_libraries(control)
    fails = WheelProgram(package_name="greeting", entry_point="greet", parameters=("--fail",))
    outcome = await run(config, control, work_with(control, given, 1, fails))
    assert outcome.message == "The process ended with exit code 3."
    missing = WheelProgram(package_name="greeting", entry_point="nope")
    work = work_with(control, given, 2, missing)
    assert (await run(config, control, work)).result is AttemptResult.FAILED
    assert "no function 'nope' (its entry points: greet)" in control.log(work.ref)


async def test_the_environment_wins_and_the_workers_packages_are_behind_it(
    config: WorkerConfig, control: FakeControl
) -> None:
    # `trino` is among the worker's packages, and so is `structlog`.
    given = wheel_libraries(control, "WHOSE = 'mine'\ndef main(): pass\n", name="trino")
    main = "import trino, structlog, sys\nprint(trino.WHOSE, structlog.__name__, sys.prefix)"
    work = work_with(control, given, main=main)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS, control.log(work.ref)
    place = python.place_of(config, given)
    assert f"mine structlog {place / 'venv'}" in control.log(work.ref)


async def test_a_package_comes_from_the_index(config: WorkerConfig, control: FakeControl) -> None:
    given = PythonLibraries(requirements=("iniconfig==2.0.0",))
    main = "import importlib.metadata as m; print('got', m.version('iniconfig'))"
    work = work_with(control, given, main=main)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS, control.log(work.ref)
    assert "got 2.0.0" in control.log(work.ref)


async def test_a_failed_installation_says_what_uv_said(
    config: WorkerConfig, control: FakeControl
) -> None:
    given = wheel_libraries(control, requires=("greeting-needs-this==9",))
    config = dataclasses.replace(
        config, installer_environment={**config.installer_environment, "UV_OFFLINE": "1"}
    )
    work = work_with(control, given, main="print('never')")
    outcome = await run(config, control, work)
    assert (outcome.result, outcome.code) == (AttemptResult.FAILED, "LIBRARY_INSTALLATION_ERROR")
    assert "greeting-needs-this" in outcome.message
    assert outcome.started_at is None
    output = control.outputs[work.ref.task_run_id]
    assert output.error == outcome.message
    assert output.error_trace is not None and "greeting-needs-this" in output.error_trace
    assert "greeting-needs-this" in control.log(work.ref)
    assert not python.place_of(config, given).exists()


def slow_uv(tmp_path: Path) -> Path:
    """An installer that never ends, with a child that would outlive it."""
    fake = tmp_path / "slow-uv"
    fake.write_text("#!/bin/sh\necho installing\nsleep 600 & sleep 600\n")
    fake.chmod(0o755)
    return fake


async def test_a_timeout_while_installing_kills_the_installer(
    config: WorkerConfig, control: FakeControl, tmp_path: Path
) -> None:
    config = dataclasses.replace(config, uv=slow_uv(tmp_path))
    given = wheel_libraries(control)
    work = work_with(control, given, main="print('never')", timeout_s=1)
    outcome = await run(config, control, work)
    assert outcome.result is AttemptResult.TIMEDOUT
    assert "installing" in control.log(work.ref)
    assert list(processes.marked(str(config.folder / work.key))) == []
    assert not python.place_of(config, given).exists()
    # Nothing is left that would keep the next one from building it.
    config = dataclasses.replace(config, uv=UV)
    work = work_with(control, given, 2, main="import greeting")
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS


async def test_a_half_built_environment_is_built_anew(
    config: WorkerConfig, control: FakeControl
) -> None:
    given = wheel_libraries(control)
    place = python.place_of(config, given)
    (place / "venv" / "bin").mkdir(parents=True)
    (place / "venv" / "bin" / "python").write_text("rubbish")
    work = work_with(control, given, main="import greeting; print('whole')")
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS
    assert "whole" in control.log(work.ref)


async def test_two_at_once_build_once(tmp_path: Path) -> None:
    shelves = [Shelf(tmp_path / "shelf"), Shelf(tmp_path / "shelf")]
    built = 0

    async def build(place: Path, lock: int) -> None:
        nonlocal built
        built += 1
        await asyncio.sleep(0.3)
        (place / "whole").touch()

    place = shelves[0].place({"a": 1})
    made = await asyncio.gather(*(shelf.make(place, build) for shelf in shelves))
    assert sorted(made) == [False, True]
    assert built == 1
    assert (place / "whole").exists()


async def test_what_nobody_used_for_long_is_removed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")

    async def build(place: Path, lock: int) -> None:
        (place / "whole").touch()

    old, used, new = (shelf.place(n) for n in range(3))
    for place in (old, used, new):
        await shelf.make(place, build)
    for place in (old, used):
        os.utime(f"{place}.ready", (0, 0))
    assert shelf.sweep({used}, 60) == [old]
    assert not old.exists() and used.exists() and new.exists()
    assert await shelf.make(old, build)


async def test_a_notebook_finds_its_libraries(config: WorkerConfig, control: FakeControl) -> None:
    given = wheel_libraries(control)
    work = make_work(make_ref(), NotebookProgram(path="nb.py"), compute=Compute(python=given))
    source = "# Databricks notebook source\nimport greeting; print('found', greeting.__name__)"
    control.add(work, **{"nb.py": source})
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS, control.log(work.ref)
    assert "found greeting" in control.log(work.ref)


async def test_variables_of_the_user_reach_it_and_change_nothing_that_is_ours(
    config: WorkerConfig, control: FakeControl
) -> None:
    asked = {"MINE": "1", "MLFLOW_TRACKING_URI": "mine", "PATH": "/nowhere", "PYTHONPATH": "/x"}
    work = make_work(
        make_ref(),
        compute=Compute(environment=asked, import_roots=(".",)),
        environment={"MLFLOW_TRACKING_URI": "theirs"},
    )
    main = "import os\nfor n in ('MINE', 'MLFLOW_TRACKING_URI', 'PATH', 'PYTHONPATH'):\n"
    control.add(work, main=main + "    print(n, os.environ[n])")
    await run(config, control, work)
    folder = AttemptFolder(config.folder / work.key, work.key)
    told = dict(line.split(" ") for line in control.log(work.ref).splitlines())
    assert (told["MINE"], told["MLFLOW_TRACKING_URI"]) == ("1", "mine")
    assert told["PATH"].startswith(f"{config.python.parent}:")
    assert told["PYTHONPATH"].split(":")[1:] == [str(folder.work), "/x"]


async def test_an_environment_is_built_by_the_tasks_user_and_changed_by_no_task(
    config: WorkerConfig, control: FakeControl, open_folder: Path
) -> None:
    account = ensure_system_user(TASK_USER) if os.geteuid() == 0 else None
    system = Path(shutil.which("python3", path="/usr/bin:/bin") or config.python)
    uv = open_folder / "uv"
    shutil.copy(UV, uv)
    config = dataclasses.replace(
        config, folder=open_folder / "attempts", python=system, uv=uv, uid=account
    )
    config.folder.mkdir(mode=0o711)
    config.folder.chmod(0o711)
    reason = can_isolate(config)
    if reason is not None:
        pytest.skip(reason)
    given = wheel_libraries(control)
    main = """
import greeting, os
print("found", os.getuid())
for path in (greeting.__file__, os.path.dirname(greeting.__file__) + "/more.py"):
    try:
        open(path, "a")
        print("opened", path)
    except PermissionError:
        pass
"""
    work = work_with(control, given, main=main)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS, control.log(work.ref)
    assert f"found {account}\n" in control.log(work.ref)
    assert "opened" not in control.log(work.ref)
    place = python.place_of(config, given)
    assert {path.lstat().st_uid for path in place.rglob("*")} == {0}


async def test_the_sweep_leaves_what_a_running_attempt_works_with(
    config: WorkerConfig, control: FakeControl
) -> None:
    given = wheel_libraries(control)
    work = work_with(control, given, main="import greeting, time; print('up'); time.sleep(60)")
    place = python.place_of(config, given)
    following = asyncio.create_task(run(config, control, work))
    async with asyncio.timeout(30):
        while "up" not in control.log(work.ref):
            await asyncio.sleep(0.05)
    os.utime(f"{place}.ready", (0, 0))
    await sweep(config, control)
    assert place.exists()
    control.over = True
    await sweep(config, control)
    await following
    await sweep(config, control)
    assert not place.exists()
