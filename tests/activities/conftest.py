"""A worker's configuration and an internal API in memory."""

from pathlib import Path

import pytest

from activities.config import WorkerConfig
from tests.activities.fakes import FakeControl


@pytest.fixture
def config(tmp_path: Path) -> WorkerConfig:
    """A worker that takes work for lost, and kills, within seconds."""
    return WorkerConfig(
        control_url="http://127.0.0.1:1",
        worker_token="worker-token",
        host="here",
        folder=tmp_path / "attempts",
        lease_s=3,
        grace_s=0.5,
    )


@pytest.fixture
def control() -> FakeControl:
    """Knows no attempt yet."""
    return FakeControl()
