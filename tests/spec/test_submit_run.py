"""A submitted run may write its one task without `tasks`, as Airflow's operators do."""

import pytest

from spec.api.runs import RunNow, SubmitRun

_NOTEBOOK = {"notebook_path": "/a"}


def test_one_task_may_stand_in_the_request_itself() -> None:
    body = {"run_name": "Nightly: load", "notebook_task": _NOTEBOOK, "existing_cluster_id": "big"}
    run = SubmitRun.model_validate({**body, "timeout_seconds": 60})
    (task,) = run.tasks
    assert (task.task_key, task.kind) == ("Nightly__load", "notebook_task")
    assert task.existing_cluster_id == "big"
    assert (run.timeout_seconds, task.timeout_seconds) == (60, 0)


def test_its_key_is_never_longer_than_keys_may_be() -> None:
    run = SubmitRun.model_validate({"run_name": "x" * 300, "notebook_task": _NOTEBOOK})
    assert run.tasks[0].task_key == "x" * 100
    unnamed = SubmitRun.model_validate({"notebook_task": _NOTEBOOK})
    assert unnamed.tasks[0].task_key == "Untitled"


def test_tasks_and_one_task_are_not_given_together() -> None:
    task = {"task_key": "a", "notebook_task": _NOTEBOOK}
    with pytest.raises(ValueError, match="give 'tasks' or one task's 'notebook_task', not both"):
        SubmitRun.model_validate({"tasks": [task], "notebook_task": _NOTEBOOK})
    with pytest.raises(ValueError, match="tasks"):
        SubmitRun.model_validate({"run_name": "nothing"})


def test_what_is_given_empty_to_all_tasks_of_a_kind_is_not_given() -> None:
    """As Airflow's workflow groups do."""
    empty = {
        "notebook_params": {},
        "python_params": [],
        "jar_params": [],
        "spark_submit_params": [],
    }
    request = RunNow.model_validate({"job_id": 1, "job_parameters": {"a": "b"}, **empty})
    assert [getattr(request, name) for name in empty] == [None] * len(empty)
