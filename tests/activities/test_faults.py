"""Deaths that tests ask for: once each, never without being asked, never by user code."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activities.config import WorkerConfig
from activities.engines.environment import ROOT, base_environment
from activities.faults import Point
from activities.folder import AttemptFolder
from tests.activities.fakes import make_ref, make_work

PASS = """
from activities.faults import Point, reach
for task in ("a", "b"):
    for point in Point:
        reach(point, task)
"""


def walk(faults: Path | None) -> int:
    environment = {} if faults is None else {"OPENLAKE_FAULTS": str(faults)}
    return subprocess.run([sys.executable, "-c", PASS], cwd=ROOT, env=environment).returncode


def test_a_death_comes_once_and_leaves_a_mark(tmp_path: Path) -> None:
    fault = tmp_path / "after_submit@b"
    fault.touch()
    assert walk(None) == 0 and fault.exists()
    assert walk(tmp_path) == -signal.SIGKILL
    assert not fault.exists() and (tmp_path / "after_submit@b.fired").exists()
    assert walk(tmp_path) == 0


@pytest.mark.parametrize("point", list(Point))
def test_every_point_can_be_asked_for(tmp_path: Path, point: Point) -> None:
    (tmp_path / f"{point}@a").touch()
    assert walk(tmp_path) == -signal.SIGKILL


def test_user_code_never_gets_the_variable(
    config: WorkerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLAKE_FAULTS", "/anywhere")
    work = make_work(make_ref())
    given = base_environment(config, work, AttemptFolder(config.folder / work.key, work.key))
    assert "OPENLAKE_FAULTS" not in given
