"""Where trials take place: a stack whose own processes are the crew, behind proxies."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.client import Patient
from tests.chaos.crew import MEMBERS, Crew
from tests.chaos.disk import Disk
from tests.chaos.plan import SERVERS
from tests.chaos.proxy import Proxies
from tests.chaos.witness import Witness, witness
from tests.chaos.workload import PUBLISHED, Workload
from tests.integration.stack import Stack, catalog

_TRIES = 3


@dataclass
class Ground:
    """Everything a trial needs.

    Args:
        stack: The servers are its own; its API, gateway and workers are down.
        crew: They stand in for those.
        proxies: Between the crew and its neighbours.
        witness: Outside.
        api: A patient user.
        workload: The jobs.
        disk: Under the data folder, where it has one of its own.
    """

    stack: Stack
    crew: Crew
    proxies: Proxies
    witness: Witness
    api: Patient
    workload: Workload
    disk: Disk | None

    def mend(self) -> None:
        """Bring the servers back as an operator does; the crew comes back by itself."""
        if self.disk is not None:
            self.disk.free()
        self.proxies.pass_all()
        words = ("up", "--profile", self.stack.profile, "--only", ",".join(SERVERS))
        for _ in range(_TRIES - 1):
            # A busy machine may take longer to start a JVM than `up` waits for it.
            with suppress(AssertionError):
                self.stack.command(*words)
                break
        else:
            self.stack.command(*words)
        if self.stack.profile == "full" and not self._lives("trino"):
            # `up` would start the gateway as well, which Trino needs and the crew has.
            self.stack.command("restart", "trino")

    def _lives(self, part: str) -> bool:
        with suppress(psutil.NoSuchProcess):
            return self.stack.process(part).status() != psutil.STATUS_ZOMBIE
        return False


@contextmanager
def make_ground(
    stack: Stack, folder: Path, schema: str, disk: Disk | None = None
) -> Iterator[Ground]:
    """Put the crew in the place of a running stack's own processes; put those back afterwards.

    Args:
        stack: All of it is up.
        folder: For logs and named faults; must not be there yet.
        schema: Of the workload's tables; must not be there yet.
        disk: Of the data folder.
    """
    folder.mkdir(parents=True)
    exports = dict(word.split("=", 1) for word in shlex.split(stack.command("env")) if "=" in word)
    stack.command("down", "--only", ",".join(MEMBERS))
    targets = {name: stack.ports[name] for name in _neighbours()}
    proxies = Proxies(targets)
    crew = Crew(stack, {name: link.port for name, link in proxies.links.items()}, folder)
    api = Patient(exports["DATABRICKS_HOST"], exports["DATABRICKS_TOKEN"])
    try:
        with witness() as notes:
            crew.start()
            workload = Workload(api, notes.url, schema, stack.profile)
            ground = Ground(stack, crew, proxies, notes, api, workload, disk)
            _await_crew(ground)
            _make_tables(ground)
            workload.deploy()
            # From here on there is a warehouse to kill.
            workload.select("SELECT 1")
            yield ground
            ground.mend()
            workload.remove()
    finally:
        crew.stop()
        proxies.close()
        api.close()
        stack.up()


def _neighbours() -> list[str]:
    return sorted({name for _, neighbours in MEMBERS.values() for name in neighbours})


def _await_crew(ground: Ground) -> None:
    ground.api.ask("GET", "/health")


def _make_tables(ground: Ground) -> None:
    import pyarrow as pa

    lake, schema = catalog(ground.stack), ground.workload.schema
    lake.create_namespace(schema)
    for name in PUBLISHED:
        lake.create_table(f"{schema}.{name}", pa.schema([("run_id", pa.int64())]))
