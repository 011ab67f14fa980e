"""One Airflow for all modules of this folder; every process of it is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from control.config import Settings
from control.stack.install import install
from control.stack.layout import Layout
from control.stack.progress import Silent
from tests.integration.airflow.server import Airflow

_CASES = Path(__file__).parent / "dags" / "cases.py"


@pytest.fixture(scope="package")
def airflow_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="openlake-airflow-"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="package")
def airflow_environment() -> Path:
    layout = Layout(Settings())
    install(layout, ["airflow"], Silent())
    return layout.environment_dir("airflow")


@pytest.fixture(scope="package")
def airflow(airflow_environment: Path, airflow_home: Path) -> Iterator[Airflow]:
    """The Airflow, with the DAGs of `dags/`."""
    server = Airflow(airflow_environment, airflow_home)
    shutil.copy(_CASES, server.dags)
    try:
        server.start()
        server.wait(lambda: server.knows("good"), 60, "the DAGs to be read")
        yield server
    finally:
        server.stop()
