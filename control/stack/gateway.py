"""The catalog gateway: the one address at which engines reach tables."""

from control.stack.environment import PYTHON_QUIET, openlake_command, settings_environment
from control.stack.part import Command, Part, check_http, own_version


class Gateway(Part):
    """A process of its own, so that the API's death stops no task."""

    name = "gateway"
    title = "Catalog gateway"
    needs = ("postgres", "nessie")
    ports = ("gateway",)
    advice = "read `openlake logs gateway`; it needs PostgreSQL and Nessie"
    grace_s = 40.0

    def version(self) -> str:
        """See base class."""
        return own_version()

    def command(self) -> Command:
        """See base class."""
        return Command(
            openlake_command("gateway"), {**PYTHON_QUIET, **settings_environment(self.layout)}
        )

    def check(self) -> None:
        """See base class."""
        check_http(f"{self.address}/health")
