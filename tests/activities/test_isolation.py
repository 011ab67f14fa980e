"""User code as a user of its own, and what it may leave behind."""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.config import WorkerConfig
from activities.engines.process import PythonEngine
from activities.folder import AttemptFolder
from activities.follow import Follower
from activities.isolation import can_isolate
from activities.sweep import KEEP_S, sweep
from control.stack.system_user import TASK_USER, ensure_system_user
from spec.attempts import AttemptResult, AttemptWork
from tests.activities.fakes import FakeControl, make_ref, make_work
from tests.activities.test_follow import Driver


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="openlake-isolation-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def isolated(config: WorkerConfig, open_folder: Path) -> WorkerConfig:
    python = Path(shutil.which("python3", path="/usr/bin:/bin") or config.python)
    account = ensure_system_user(TASK_USER) if os.geteuid() == 0 else None
    made = dataclasses.replace(config, folder=open_folder / "a", python=python, uid=account)
    reason = can_isolate(made)
    if reason is not None:
        pytest.skip(reason)
    return made


async def run(config: WorkerConfig, control: FakeControl, work: AttemptWork) -> Any:
    engine = PythonEngine(config)
    return await Follower(work.ref, control, engine, config.host, config.folder, None).run()


async def test_user_code_cannot_read_what_is_not_its_own(
    isolated: WorkerConfig, control: FakeControl
) -> None:
    source = """
import os
from dbruntime import dbutils
print(os.getuid(), os.getgid(), os.getgroups())
open("here", "w").write("x")
dbutils.jobs.taskValues.set("a", 1)
for path in ("../spec.json", "../who.json", "/proc/%d/environ" % os.getppid()):
    try:
        open(path).read()
        print("read", path)
    except PermissionError:
        pass
"""
    work = control.add(make_work(make_ref()), main=source)
    outcome = await run(isolated, control, work)
    assert outcome.result is AttemptResult.SUCCESS, control.log(work.ref)
    assert control.log(work.ref) == f"{isolated.uid} {isolated.uid} []\n"
    assert control.outputs[work.ref.task_run_id].values == {"a": 1}


async def test_cancelled_work_of_the_other_user_dies(
    isolated: WorkerConfig, control: FakeControl
) -> None:
    work = make_work(make_ref(), timeout_s=1)
    control.add(work, main="import time, signal; signal.signal(15, lambda *_: 0); time.sleep(60)")
    assert (await run(isolated, control, work)).result is AttemptResult.TIMEDOUT


def test_why_isolation_is_not_possible_is_told(config: WorkerConfig, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    reason = can_isolate(dataclasses.replace(config, folder=closed, uid=12345))
    assert reason is not None
    assert "root" in reason or "cannot reach" in reason
    reason = can_isolate(config)
    assert reason is not None
    assert "root" in reason or "no account" in reason


@pytest.mark.parametrize("name", ["values.json", "sql.json", "error.json", "lineage.jsonl"])
async def test_links_and_pipes_in_the_output_are_not_followed(
    config: WorkerConfig, control: FakeControl, name: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"error": "secret", "columns": ["secret"]}\n')
    for make in (f"os.symlink({str(secret)!r}, path)", "os.mkfifo(path)", "os.mkdir(path)"):
        source = f"import os\npath = os.environ['OPENLAKE_OUT'] + '/{name}'\n{make}\n"
        work = control.add(make_work(make_ref(len(control.works) + 1)), main=source)
        assert (await run(config, control, work)).result is AttemptResult.SUCCESS
    assert control.outputs == {}
    assert "secret" not in str(control.events)


async def test_odd_output_is_no_output(config: WorkerConfig, control: FakeControl) -> None:
    source = """
import os
for name in ("values", "sql"):
    with open(os.environ["OPENLAKE_OUT"] + f"/{name}.json", "w") as file:
        file.write("[1, 2]")
"""
    work = control.add(make_work(make_ref()), main=source)
    assert (await run(config, control, work)).result is AttemptResult.SUCCESS
    assert control.outputs == {}


async def test_the_sweep_stops_what_is_over_and_leaves_the_rest(
    config: WorkerConfig, control: FakeControl
) -> None:
    driver = Driver(config, control)
    work = control.add(make_work(make_ref()), main="import time; print(1); time.sleep(60)")
    engine = PythonEngine(config)
    await driver.follower(work.ref)._prepare(work)
    await engine.submit(work, work.key)
    folder = await driver.started(work)
    await sweep(config, control)
    assert folder.exit is None
    control.over = True
    await sweep(config, control)
    handle = await engine.find(work.key)
    assert handle is not None
    while not (await engine.poll(handle, work)).done:
        pass
    assert (await engine.collect(handle, work))[0].result is AttemptResult.CANCELED


async def test_the_sweep_removes_what_ended_long_ago(
    config: WorkerConfig, control: FakeControl
) -> None:
    works = [control.add(make_work(make_ref(n)), main="print(1)") for n in (1, 2)]
    for work in works:
        await run(config, control, work)
    old, new = (AttemptFolder(config.folder / work.key, work.key) for work in works)
    past = old.path.stat().st_mtime - timedelta(seconds=KEEP_S + 10).total_seconds()
    for path in (old.path, old.out):
        os.utime(path, (past, past))
    await sweep(config, control)
    assert not old.path.exists()
    assert new.path.exists()
