"""Temporal's development server over a file, unless the settings name another server."""

import subprocess

from control.stack.layout import LOOPBACK
from control.stack.part import Command, Part, check_http
from spec.errors import Unavailable

_RETENTION = "2160h"
"""90 days in which a finished execution can be opened in Temporal's own UI."""

_SEARCH_ATTRIBUTES = (
    "OpenlakeWorkspace",
    "OpenlakeJob",
    "OpenlakeRun",
    "OpenlakeState",
    "OpenlakeTrigger",
    "OpenlakeCreator",
)

_DYNAMIC_CONFIG = (
    # The default, 20 polls a second and shard, makes each dispatch wait up to 50 ms for its turn.
    "history.transferProcessorMaxPollRPS=2000",
    "system.enableActivityEagerExecution=true",
)

_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL")


class Temporal(Part):
    """Frontend, history, matching and UI in one process; its state is one SQLite file."""

    name = "temporal"
    title = "Temporal (server and UI)"
    ports = ("temporal", "temporal_ui")
    tools = ("temporal",)
    advice = "read `openlake logs temporal`; runs under way go on by themselves once it is back"

    @property
    def address(self) -> str:
        """See base class."""
        return f"{LOOPBACK}:{self.port()}"

    def command(self) -> Command:
        """See base class."""
        argv = [
            *(str(self.layout.go_tool("temporal")), "server", "start-dev"),
            *("--ip", LOOPBACK, "--ui-ip", LOOPBACK),
            *("--port", str(self.port()), "--ui-port", str(self.port("temporal_ui"))),
            *("--db-filename", str(self.folder / "temporal.db")),
            *("--log-level", "warn"),
        ]
        for value in _DYNAMIC_CONFIG:
            argv += ["--dynamic-config-value", value]
        for value in _SQLITE_PRAGMAS:
            argv += ["--sqlite-pragma", value]
        for attribute in _SEARCH_ATTRIBUTES:
            argv += ["--search-attribute", f"{attribute}=Keyword"]
        if self._namespace != "default":
            argv += ["--namespace", self._namespace]
        return Command(argv=tuple(argv), cwd=self.folder)

    def check(self) -> None:
        """Ask the UI's proxy for the namespace: that answers only when UI and frontend both do."""
        ui = f"http://{LOOPBACK}:{self.port('temporal_ui')}"
        check_http(f"{ui}/api/v1/namespaces/{self._namespace}")

    def after_start(self) -> None:
        """Keep finished executions longer than the development server's one day."""
        argv = [
            *(self.layout.go_tool("temporal"), "operator", "namespace", "update"),
            *("--namespace", self._namespace, "--retention", _RETENTION),
            *("--address", self.address),
        ]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        if done.returncode != 0:
            raise Unavailable(f"Temporal's namespace could not be set up: {done.stderr.strip()}")

    @property
    def _namespace(self) -> str:
        return self.layout.settings.temporal.namespace
