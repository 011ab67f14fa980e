import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from control.stack.identity import Identity, Record


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def identify(process: subprocess.Popen[bytes]) -> Identity:
    identity = Identity.of(process.pid)
    assert identity is not None
    return identity


def test_a_running_process_is_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert identify(sleeper).alive()


def test_the_same_number_with_another_start_is_somebody_else(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert not replace(identify(sleeper), started="1").alive()


def test_the_same_number_in_another_boot_is_somebody_else(
    sleeper: subprocess.Popen[bytes],
) -> None:
    assert not replace(identify(sleeper), boot="before").alive()


def test_a_zombie_is_dead(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper)
    sleeper.kill()
    deadline = time.monotonic() + 5
    while identity.alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not identity.alive()


def test_a_suspended_process_is_seen(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identify(sleeper)
    assert not identity.stopped()
    os.kill(sleeper.pid, signal.SIGSTOP)
    deadline = time.monotonic() + 5
    while not identity.stopped() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert identity.alive()
    assert identity.stopped()


def test_nobody_has_no_identity() -> None:
    assert Identity.of(2**22 + 1) is None


def test_a_record_is_read_back(tmp_path, sleeper: subprocess.Popen[bytes]) -> None:
    record = Record(identify(sleeper), "abc", 12.5)
    record.write(tmp_path / "part.json")
    assert Record.read(tmp_path / "part.json") == record


@pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": {}}', '{"identity": 1}'])
def test_a_torn_record_counts_as_none(tmp_path, content: str) -> None:
    (tmp_path / "part.json").write_text(content)
    assert Record.read(tmp_path / "part.json") is None
