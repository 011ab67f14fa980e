"""How branches and merges of a run are called; by these names they are found again."""

RUN_BRANCH, ATTEMPT_BRANCH = "run_", "attempt_"
_LANDING = "openlake attempt "
_PUBLISHING = "openlake run "

LANDINGS = f"commit.message.startsWith('{_LANDING}')"
"""Condition that holds for landings, in Nessie's expression language."""


def run_branch(run_id: int, number: int) -> str:
    """Name the branch of a run's transaction."""
    return f"{RUN_BRANCH}{run_id}" if number == 0 else f"{RUN_BRANCH}{run_id}_{number}"


def attempt_branch(task_run_id: int) -> str:
    """Name the branch of an attempt."""
    return f"{ATTEMPT_BRANCH}{task_run_id}"


def landing_message(task_run_id: int) -> str:
    """Name the merge of an attempt into its run's branch."""
    return f"{_LANDING}{task_run_id}"


def landed_by(message: str) -> int | None:
    """Return the attempt whose landing has this message; None when it is no landing."""
    number = message.removeprefix(_LANDING)
    return int(number) if number != message and number.isdecimal() else None


def publish_message(run_id: int, number: int) -> str:
    """Name the merge of a run's transaction into main."""
    return f"{_PUBLISHING}{run_id}.{number}"


def published_by(message: str) -> int | None:
    """Return the run whose publication has this message; None when it is none."""
    run_id = message.removeprefix(_PUBLISHING).partition(".")[0]
    return int(run_id) if message.startswith(_PUBLISHING) and run_id.isdecimal() else None
