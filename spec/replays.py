"""Running a run again on the tables it saw, and comparing what two runs wrote; pure."""

from pydantic import Field

from spec.model import Model, Text


class ReplayTask(Model):
    """Run a run again: same settings, files and parameters, on the tables as they were then.

    It writes on a scratch branch that is never published. OpenLake's own task type.
    """

    run_id: int = Field(ge=1)


class CompareTask(Model):
    """Compare the tables that two runs wrote, whatever the order of their rows.

    The task fails when they differ. OpenLake's own task type.
    """

    run_id: Text
    """The run to measure by."""
    with_run_id: Text
    """The other one, e.g. `{{tasks.replay.values.run_id}}`."""
