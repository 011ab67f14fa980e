"""The two ways Databricks tells how a run stands."""

from spec.attempts import Frozen


class RunState(Frozen):
    """Databricks `RunState`: the form that waiters and Airflow read."""

    life_cycle_state: str
    result_state: str | None = None
    state_message: str = ""
    user_cancelled_or_timedout: bool = False


class QueueDetails(Frozen):
    """Why a run waits."""

    code: str
    message: str = ""


class TerminationDetails(Frozen):
    """Why and how a run ended."""

    code: str
    type: str
    message: str = ""


class RunStatus(Frozen):
    """Databricks `RunStatus`: the newer form of the same."""

    state: str
    queue_details: QueueDetails | None = None
    termination_details: TerminationDetails | None = None
