"""The two workers: of the control plane, and of the engines."""

import json
from dataclasses import replace
from typing import ClassVar

from control.stack.environment import (
    PYTHON_QUIET,
    index_environment,
    openlake_command,
    settings_environment,
)
from control.stack.part import Command, Part, check_http, own_version
from control.stack.secrets import plain_connection


class _Worker(Part):
    kind: ClassVar[str]
    grace_s = 20.0

    def version(self) -> str:
        """See base class."""
        return own_version()

    def command(self) -> Command:
        """See base class."""
        return Command(
            openlake_command("worker", self.kind),
            {**PYTHON_QUIET, **settings_environment(self.layout)},
        )

    def check(self) -> None:
        """Ask for its metrics: a worker that is suspended or hung does not serve them."""
        check_http(f"{self.address}/metrics")


class ControlWorker(_Worker):
    """Runs workflows and the projection; holds the database's credentials."""

    name = "control-worker"
    title = "Control worker"
    kind = "control"
    # The API makes the schema.
    needs = ("postgres", "temporal", "api")
    ports = ("control_worker",)
    advice = "read `openlake logs control-worker`; it needs PostgreSQL and Temporal"


class EngineWorker(_Worker):
    """Runs task attempts; holds no database credentials. What it starts outlives it."""

    name = "engine-worker"
    title = "Engine worker"
    kind = "engine"
    needs = ("temporal", "api")
    tools = ("spark-jars", "dbt")
    ports = ("engine_worker",)
    advice = "read `openlake logs engine-worker`; attempts under way are taken up again by `up`"

    def command(self) -> Command:
        """See base class; it reads the Airflow connections when it starts."""
        airflow = {name: plain_connection(each) for name, each in self.layout.airflow.items()}
        command = super().command()
        return replace(
            command,
            # It installs the libraries of tasks from where this machine's packages come from.
            env={**command.env, **index_environment()},
            basis={"airflow": json.dumps(airflow)},
        )
