"""One attempt driven through the port on real processes, without Temporal and without servers."""

import asyncio
import multiprocessing
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from activities import processes
from activities.config import WorkerConfig
from activities.engines.process import PythonEngine
from activities.folder import AttemptFolder, State
from activities.follow import Follower, WrongHost
from spec.attempts import AttemptRef, AttemptResult, AttemptWork, PythonProgram
from spec.tasks import Isolation
from tests.activities.fakes import FakeControl, make_ref, make_work


class Driver:
    """Makes followers as the activity does."""

    def __init__(self, config: WorkerConfig, control: FakeControl) -> None:
        self.config = config
        self.control = control

    def follower(self, ref: AttemptRef, known: str | None = None) -> Follower:
        engine = PythonEngine(self.config)
        return Follower(
            ref, self.control, engine, self.config.host, self.config.folder, known or ref.handle
        )

    def folder(self, work: AttemptWork) -> AttemptFolder:
        return AttemptFolder(self.config.folder / work.key, work.key)

    async def started(self, work: AttemptWork) -> AttemptFolder:
        """Wait until the user's process has written something."""
        folder = self.folder(work)
        async with asyncio.timeout(10):
            while not folder.log.exists() or not folder.log.stat().st_size:
                await asyncio.sleep(0.01)
        return folder


# What waits long, and would wait as long for a forked task.
fresh_only = pytest.mark.parametrize("driver", [Isolation.PROCESS], indirect=True)


@pytest.fixture(params=Isolation)
def driver(config: WorkerConfig, control: FakeControl, request: pytest.FixtureRequest) -> Driver:
    control.isolation = request.param
    return Driver(config, control)


async def test_success_ships_log_and_lineage(driver: Driver, control: FakeControl) -> None:
    program = PythonProgram(path="lib/main.py", parameters=("a b", "--flag"))
    work = make_work(make_ref(), program)
    control.add(
        work,
        **{"lib/main.py": "import sys, near; print(sys.argv[1:], near.X)", "lib/near.py": "X = 5"},
    )
    outcome = await driver.follower(work.ref).run()
    assert outcome.result is AttemptResult.SUCCESS
    assert outcome.started_at is not None and outcome.ended_at is not None
    assert control.log(work.ref) == "['a b', '--flag'] 5\n"
    assert [event["eventType"] for event in control.events] == ["START", "COMPLETE"]
    assert control.events[0]["run"]["runId"] == work.lineage.run_id


async def test_failure_reports_the_last_error(driver: Driver, control: FakeControl) -> None:
    work = control.add(make_work(make_ref()), main="def f():\n    raise ValueError('no rows')\nf()")
    outcome = await driver.follower(work.ref).run()
    assert (outcome.result, outcome.code) == (AttemptResult.FAILED, "RUN_EXECUTION_ERROR")
    assert outcome.message == "ValueError: no rows"
    output = control.outputs[work.ref.task_run_id]
    assert output.error == "ValueError: no rows"
    assert output.error_trace is not None and "in f" in output.error_trace
    assert control.events[-1]["eventType"] == "FAIL"


async def test_an_error_that_names_a_secret_does_not_reach_the_history(
    driver: Driver, control: FakeControl
) -> None:
    control.secret = "tiger-tiger"
    work = control.add(make_work(make_ref()), main="raise ValueError('no tiger-tiger')")
    outcome = await driver.follower(work.ref).run()
    assert outcome.message == "ValueError: no [REDACTED]"


async def test_environment_holds_nothing_of_the_worker(
    driver: Driver, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLAKE_WORKER_TOKEN", "secret")
    work = make_work(make_ref(), environment={"MLFLOW_EXPERIMENT_NAME": "/mine"})
    control.add(work, main="import os\nfor k in sorted(os.environ): print(k)")
    await driver.follower(work.ref).run()
    names = control.log(work.ref).split()
    assert "OPENLAKE_WORKER_TOKEN" not in names
    assert {
        "MLFLOW_TRACKING_URI",
        "MLFLOW_EXPERIMENT_NAME",
        "PYICEBERG_CATALOG__LAKEHOUSE__TOKEN",
        "HOME",
    } <= set(names)
    # DATABRICKS_TOKEN is the attempt's own.
    assert control.log(work.ref).count("DATABRICKS_") == 2
    allowed = (
        "DATABRICKS_",
        "AWS_",
        "OPENLINEAGE_",
        "PYICEBERG_",
        "OPENLAKE_",
        "PYTHON",
        "MLFLOW_",
        "LC_CTYPE",
    )
    foreign = {name for name in names if not name.startswith(allowed)}
    assert foreign <= {"PATH", "HOME", "TMPDIR", "LANG", "JAVA_HOME", "USER", "LOGNAME"}


async def test_the_runner_keeps_nothing_of_the_worker(
    driver: Driver, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLAKE_WORKER_TOKEN", "secret")
    source = "import os\nprint(open(f'/proc/{os.getppid()}/environ').read())"
    work = control.add(make_work(make_ref()), main=source)
    await driver.follower(work.ref).run()
    assert control.log(work.ref).startswith("PATH=")
    assert "secret" not in control.log(work.ref)


async def test_work_under_way_keeps_its_files(driver: Driver, control: FakeControl) -> None:
    source = "import time\nopen('main.py', 'w').write('changed')\nprint(1)\ntime.sleep(60)"
    work = control.add(make_work(make_ref()), main=source)
    first = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    again = driver.follower(work.ref)
    following = asyncio.create_task(again.run())
    await asyncio.sleep(0.3)
    assert (folder.work / "main.py").read_text() == "changed"
    again.stop()
    await following


async def test_repeating_the_end_gives_the_same_answer(
    driver: Driver, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref()), main="print('once'); raise SystemExit(4)")
    first = await driver.follower(work.ref).run()
    assert await driver.follower(work.ref).run() == first
    assert control.log(work.ref) == "once\n"


@fresh_only
async def test_a_new_follower_goes_on_where_a_dead_one_left(
    driver: Driver, control: FakeControl
) -> None:
    source = "import os, time\nprint('pid', os.getpid())\ntime.sleep(1.5)\nprint('end')"
    work = control.add(make_work(make_ref()), main=source)
    first = asyncio.create_task(driver.follower(work.ref).run())
    await driver.started(work)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    outcome = await driver.follower(work.ref).run()
    assert outcome.result is AttemptResult.SUCCESS
    assert control.log(work.ref).count("pid") == 1
    assert control.log(work.ref).endswith("end\n")


async def test_work_outlives_a_driver_that_is_killed(driver: Driver, control: FakeControl) -> None:
    source = "import time\nprint('begin')\ntime.sleep(2)\nprint('end')"
    work = control.add(make_work(make_ref()), main=source)
    doomed = multiprocessing.get_context("fork").Process(
        target=lambda: asyncio.run(driver.follower(work.ref).run())
    )
    doomed.start()
    folder = await driver.started(work)
    doomed.kill()
    doomed.join()
    assert folder.state(3) is State.RUNNING
    outcome = await driver.follower(work.ref).run()
    assert outcome.result is AttemptResult.SUCCESS
    assert control.log(work.ref) == "begin\nend\n"


@fresh_only
async def test_an_absent_api_stops_nothing(driver: Driver, control: FakeControl) -> None:
    source = "import time\nprint('a', flush=True)\ntime.sleep(1)\nprint('b')"
    work = control.add(make_work(make_ref()), main=source)
    following = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    control.down = True
    async with asyncio.timeout(10):
        while folder.state(3) is not State.FINISHED:
            await asyncio.sleep(0.05)
    assert not following.done()
    control.down = False
    assert (await following).result is AttemptResult.SUCCESS
    assert control.log(work.ref) == "a\nb\n"


@fresh_only
async def test_the_log_arrives_while_the_work_runs(driver: Driver, control: FakeControl) -> None:
    work = control.add(make_work(make_ref()), main="import time\nprint('x')\ntime.sleep(30)")
    follower = driver.follower(work.ref)
    following = asyncio.create_task(follower.run())
    async with asyncio.timeout(5):
        while control.log(work.ref) != "x\n":
            await asyncio.sleep(0.05)
    follower.stop()
    assert (await following).result is AttemptResult.CANCELED


async def test_cancel_kills_whatever_the_work_started(driver: Driver, control: FakeControl) -> None:
    source = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
stray = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
daemon = (
    "import subprocess as s; print(s.Popen(['/bin/sleep', '60'], stdout=s.DEVNULL, env={}).pid)"
)
orphan = subprocess.run(
    [sys.executable, "-c", daemon], env={}, start_new_session=True, stdout=-1, text=True
).stdout
# In one piece: what is printed is read as soon as anything of it is there.
print(f"{child.pid} {stray.pid} {orphan}")
time.sleep(60)
"""
    work = control.add(make_work(make_ref()), main=source)
    follower = driver.follower(work.ref)
    following = asyncio.create_task(follower.run())
    folder = await driver.started(work)
    pids = [int(pid) for pid in folder.log.read_text().split()]
    known = [processes.identify(pid) for pid in pids]
    follower.stop()
    outcome = await following
    assert (outcome.result, outcome.code) == (AttemptResult.CANCELED, "CANCELED")
    assert [processes.pulse(who) for who in known] == [processes.Pulse.DEAD] * 3


@fresh_only
async def test_timeout_counts_from_the_first_opening(driver: Driver, control: FakeControl) -> None:
    opened = datetime.now(UTC) - timedelta(seconds=58.5)
    work = make_work(make_ref(), started_at=opened, timeout_s=60)
    control.add(work, main="import time\ntime.sleep(60)")
    before = time.monotonic()
    outcome = await driver.follower(work.ref).run()
    assert outcome.result is AttemptResult.TIMEDOUT
    assert "timeout of 60 s" in outcome.message
    assert time.monotonic() - before < 5


async def test_work_of_another_host_is_sent_there(driver: Driver, control: FakeControl) -> None:
    handle = '{"key": "openlake-1", "host": "elsewhere", "state": {}}'
    with pytest.raises(WrongHost) as caught:
        await driver.follower(make_ref(handle=handle)).run()
    assert caught.value.host == "elsewhere"
    work = control.add(make_work(make_ref(), host="elsewhere"), main="")
    with pytest.raises(WrongHost):
        await driver.follower(work.ref).run()
    assert not driver.folder(work).path.exists()


async def test_submitted_work_that_is_not_there_is_lost(
    driver: Driver, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref()), main="print('never')")
    handle = f'{{"key": "{work.key}", "host": "here"}}'
    outcome = await driver.follower(work.ref, handle).run()
    assert outcome.result is AttemptResult.LOST
    assert control.log(work.ref) == ""


async def test_a_killed_runner_loses_the_work_at_once(driver: Driver, control: FakeControl) -> None:
    source = "import os, time\nprint(os.getpid())\ntime.sleep(60)"
    work = control.add(make_work(make_ref()), main=source)
    following = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    runner, child = folder.runner, folder.child
    assert runner is not None and child is not None
    before = time.monotonic()
    os.kill(runner.pid, signal.SIGKILL)
    assert (await following).result is AttemptResult.LOST
    assert time.monotonic() - before < 1
    assert processes.pulse(child) is processes.Pulse.DEAD


async def test_stopped_work_is_lost_when_its_lease_has_run_out(
    driver: Driver, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref()), main="import time\nprint(1)\ntime.sleep(60)")
    following = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    runner, child = folder.runner, folder.child
    assert runner is not None and child is not None
    os.kill(child.pid, signal.SIGSTOP)
    os.kill(runner.pid, signal.SIGSTOP)
    assert (await following).result is AttemptResult.LOST
    assert processes.pulse(child) is processes.Pulse.DEAD
    assert processes.pulse(runner) is processes.Pulse.DEAD


async def test_a_stop_without_an_api_still_stops(
    driver: Driver, control: FakeControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.follow._OPEN_TO_STOP_S", 0.2)
    work = control.add(make_work(make_ref()), main="import time\nprint(1)\ntime.sleep(60)")
    first = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    control.down = True
    outcome = await driver.follower(work.ref.model_copy(update={"stop": True})).run()
    assert outcome.result is AttemptResult.CANCELED
    assert folder.state(3) is State.FINISHED


async def test_a_stop_with_nothing_to_stop_submits_nothing(
    driver: Driver, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref(stop=True)), main="print(1)")
    assert (await driver.follower(work.ref).run()).result is AttemptResult.CANCELED
    assert driver.folder(work).runner is None


async def test_an_attempt_that_is_over_is_stopped(driver: Driver, control: FakeControl) -> None:
    work = control.add(make_work(make_ref()), main="import time\nprint(1)\ntime.sleep(60)")
    first = asyncio.create_task(driver.follower(work.ref).run())
    folder = await driver.started(work)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    control.over = True
    assert (await driver.follower(work.ref).run()).result is AttemptResult.LOST
    assert folder.state(3) is State.FINISHED


async def test_a_file_outside_the_work_folder_is_refused(
    driver: Driver, control: FakeControl
) -> None:
    work = control.add(make_work(make_ref()), **{"../../escape.py": "print(1)"})
    outcome = await driver.follower(work.ref).run()
    assert outcome.result is AttemptResult.FAILED
    assert "leads out of the work folder" in outcome.message
