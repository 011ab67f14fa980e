import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from control.config import Ports, Settings
from control.stack.layout import Layout


def free_ports() -> Ports:
    """Ports nobody listens on; held together while choosing, so that no two are the same."""
    probes = [socket.socket() for _ in Ports.model_fields]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    numbers = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        with closing(probe):
            pass
    return Ports(**dict(zip(Ports.model_fields, numbers, strict=True)))


@pytest.fixture(scope="module")
def stack_dir() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can reach, which pytest's folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="openlake-stack-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A stack that nobody has started, with ports and folders of its own."""
    settings = Settings(
        data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", ports=free_ports()
    )
    return Layout(settings)
