"""The processes of SQL warehouses on this machine: the warehouses' keeper starts and stops them."""

import re
from collections.abc import Iterator
from pathlib import Path

from control.stack.environment import PYTHON_QUIET, openlake_command, settings_environment
from control.stack.identity import Record
from control.stack.layout import Layout
from control.stack.part import Command, Part, Unhealthy, own_version
from spec.warehouses import WarehouseConfig

_NAME = re.compile(r"warehouse-(?P<place>.+)-(?P<number>[0-9]+)")


class WarehouseProcess(Part):
    """One process of a warehouse. `up` leaves it to the keeper; `status` and `down` know it."""

    title = "SQL warehouse"
    needs = ("temporal", "api")
    advice = "see `openlake warehouses list`; the control worker starts it anew"
    grace_s = 15.0

    def __init__(
        self, layout: Layout, place: str, number: int, config: WarehouseConfig | None = None
    ) -> None:
        """See class.

        Args:
            layout: Of the stack.
            place: See `spec.warehouses.place_of`.
            number: From 1.
            config: What it is started with; a process of another one is out of date.
        """
        super().__init__(layout)
        self.name = f"warehouse-{place}-{number}"
        self.place, self.number, self._config = place, number, config

    @property
    def address(self) -> str:
        """Its queue, for it listens nowhere."""
        return f"warehouse@{self.place}"

    def version(self) -> str:
        """See base class."""
        return own_version()

    def command(self) -> Command:
        """See base class."""
        return Command(
            openlake_command("worker", "warehouse", self.place, "--ready", str(self.ready)),
            {**PYTHON_QUIET, **settings_environment(self.layout)},
            basis={"config": self._config.model_dump_json() if self._config else ""},
        )

    @property
    def ready(self) -> Path:
        """The file into which the process writes its number once it takes statements."""
        return self.record.with_suffix(".ready")

    def check(self) -> None:
        """See base class."""
        record = Record.read(self.record)
        try:
            pid = int(self.ready.read_text())
        except (FileNotFoundError, ValueError):
            pid = 0
        if record is None or pid != record.identity.pid:
            raise Unhealthy("it does not take statements yet")


def warehouse_processes(
    layout: Layout, config: WarehouseConfig | None = None
) -> Iterator[WarehouseProcess]:
    """Return the processes that were started, of all warehouses or of one."""
    for file in sorted(layout.run_dir.glob("warehouse-*.json")):
        found = _NAME.fullmatch(file.stem)
        if found and (config is None or found["place"] == config.place):
            yield WarehouseProcess(layout, found["place"], int(found["number"]), config)
