"""Kill parts in the middle of `clean`, then `openlake up`: nothing is lost, nothing runs twice."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress

import psutil
import pytest

from tests.integration.stack import ROOT, Stack, free_ports, result_of, snapshots, wait_for

ZOMBIE = "../../tests/integration/bundles/zombie"

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]


def drivers(task_run_id: int) -> list[psutil.Process]:
    """The JVMs of an attempt: the Spark drivers that were started for it."""
    key = f"openlake-{task_run_id}"
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["cmdline", "name"]):
        words = process.info["cmdline"] or []
        if process.info["name"] == "java" and any(key in word for word in words):
            found.append(process)
    return found


def started_attempts(run: dict) -> list[str]:
    return [task["task_key"] for task in run["tasks"]]


# Two at once, of which neither can be what keeps the other's work.
@pytest.mark.parametrize(
    "parts",
    [("engine-worker", "api"), ("control-worker", "temporal")],
    ids=["engine-worker-and-api", "control-worker-and-temporal"],
)
def test_a_run_survives_the_death_of(stack: Stack, parts: tuple[str, str]) -> None:
    job_id = stack.deploy("flights")
    run_id = stack.start_run(job_id, month="1", carriers="UA,B6")
    task_run_id = stack.await_running(run_id, "clean")
    [driver] = wait_for(lambda: drivers(task_run_id), 60, "Spark's driver")
    for part in parts:
        stack.kill(part)
    stack.up()
    run = stack.finished(run_id)
    assert run["state"]["result_state"] == "SUCCESS", result_of(run)
    # One attempt a task: what had finished never ran again, what was under way was re-attached.
    keys = started_attempts(run)
    assert sorted(keys) == sorted(set(keys))
    assert stack.task(run_id, "clean")["run_id"] == task_run_id
    log = stack.command("runs", "logs", str(task_run_id))
    assert not driver.is_running()
    assert log.count("silver.flights") >= 1


@contextmanager
def other_host(stack: Stack) -> Generator[None]:
    """A second engine worker, on what counts as another machine."""
    words = [sys.executable, "-m", "control.cli", "worker", "engine", "--host", "elsewhere"]
    folder = stack.data_dir / "elsewhere"
    folder.mkdir()
    own = ["--port", str(free_ports()["engine_worker"]), "--folder", str(folder)]
    worker = subprocess.Popen([*words, *own], env=stack.environment, cwd=ROOT)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def family(task_run_id: int) -> tuple[psutil.Process, list[psutil.Process]]:
    """The runner of an attempt, and all that runs below it."""
    key = f"openlake-{task_run_id}"
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any("runner" in word for word in words) and any(key in word for word in words):
            return process, process.children(recursive=True)
    raise AssertionError(f"no runner of {key}")


def log_on_disk(stack: Stack, task_run_id: int) -> str:
    """What an attempt has printed, shipped or not."""
    [log] = (stack.layout.attempts_dir / f"openlake-{task_run_id}").glob("**/log")
    return log.read_text(errors="replace")


def test_a_zombie_is_fenced(stack: Stack) -> None:
    """Attempt 1 stops with its machine, attempt 2 commits, attempt 1 wakes and is refused."""
    run_id = stack.start_run(stack.deploy(ZOMBIE))
    first = stack.await_running(run_id, "append")
    wait_for(lambda: "ready to commit" in stack.command("runs", "logs", str(first)), 90, "ready")
    runner, below = family(first)
    stopped = [stack.process("engine-worker"), runner, *below]
    for process in stopped:
        process.suspend()
    try:
        with other_host(stack):
            run = stack.finished(run_id, within_s=400)
        assert run["state"]["result_state"] == "SUCCESS", result_of(run)
        [lost, second] = run["tasks"]
        assert lost["run_id"] == first and lost["state"]["result_state"] == "FAILED"
        for process in below:
            process.resume()
        wait_for(lambda: "is over" in log_on_disk(stack, first), 120, "the refusal")
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
    attempts = [row["openlake.task-run-id"] for row in snapshots(stack, "fenced.events")]
    assert attempts == [str(second["run_id"])]
