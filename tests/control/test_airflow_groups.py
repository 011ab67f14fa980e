"""How a job is cut into the tasks of a DAG: the DAG does what the job does."""

from random import Random
from typing import Any

from control.airflow.groups import Step, steps_of
from spec.jobs import JobSettings
from spec.tasks import RunIf
from tests.control.airflow_jobs import job, task


def cut(*tasks: dict[str, Any], **more: Any) -> dict[str, tuple[str, ...]]:
    """Return the DAG's tasks: id → what it needs."""
    return {step.task_id: step.needs for step in steps_of(job(*tasks, **more))}


def test_each_task_becomes_one_with_the_same_dependencies() -> None:
    diamond = (task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"))
    assert cut(*diamond) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


def test_tasks_that_hand_values_on_stay_in_one_run() -> None:
    uses = {"parameters": {"n": "{{tasks.b.values.n}}"}}
    chain = (task("a"), task("b", "a"), task("c", "b", **uses), task("d", "c"))
    assert cut(*chain) == {"a": (), "b.and_1_more": ("a",), "d": ("b.and_1_more",)}
    assert [step.keys for step in steps_of(job(*chain))] == [("a",), ("b", "c"), ("d",)]


def test_what_hangs_on_the_middle_of_a_group_joins_it() -> None:
    uses = {"parameters": {"n": "{{ tasks.b.values.n }}"}}
    assert list(cut(task("b"), task("c", "b", **uses), task("d", "b"))) == ["b.and_2_more"]


def test_a_reference_in_a_job_parameter_binds_every_task() -> None:
    parameter = {"name": "n", "default": "{{tasks.a.values.n}}"}
    assert list(cut(task("a"), task("b", "a"), task("c"), parameters=[parameter])) == [
        "a.and_2_more"
    ]


def test_branches_stay_with_their_condition() -> None:
    condition = {
        "task_key": "is_big",
        "depends_on": [{"task_key": "a"}],
        "condition_task": {"op": "GREATER_THAN", "left": "{{job.parameters.n}}", "right": "5"},
    }
    branch = task("b") | {"depends_on": [{"task_key": "is_big", "outcome": "true"}]}
    found = cut(task("a"), condition, branch, parameters=[{"name": "n", "default": "1"}])
    assert found == {"a": (), "is_big.and_1_more": ("a",)}


def test_a_run_if_that_airflow_lacks_keeps_the_dependencies() -> None:
    tasks = (task("a"), task("b"), task("c", "a", "b", run_if="AT_LEAST_ONE_FAILED"))
    assert list(cut(*tasks)) == ["a.and_2_more"]


def test_a_thousand_tasks_are_cut_at_once() -> None:
    chain = [task("t0")] + [task(f"t{i}", f"t{i - 1}") for i in range(1, 1000)]
    assert len(steps_of(job(*chain))) == 1000


# What Airflow makes of it, told by its own rules (`ti_deps/deps/trigger_rule_dep.py`), is what
# OpenLake makes of the whole job. S success, F failed, U upstream failed, X excluded or skipped.


def _by_openlake(
    tasks: tuple[Any, ...], fails: set[str], holds: set[str], known: set[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in tasks:
        seen = [
            "X"
            if found[edge.task_key] == "S"
            and edge.outcome not in (None, str(edge.task_key in holds).lower())
            else found[edge.task_key]
            for edge in each.depends_on
            if edge.task_key in known
        ]
        if each.task_key in known:
            found[each.task_key] = _judged(each.run_if, seen) or (
                "F" if each.task_key in fails else "S"
            )
    return found


def _judged(rule: RunIf, seen: list[str]) -> str | None:
    if not seen:
        return None
    if set(seen) == {"X"}:
        return "X"
    bad = [each for each in seen if each in "FU"]
    match rule:
        case RunIf.ALL_SUCCESS:
            return "U" if bad else None
        case RunIf.NONE_FAILED:
            return None if not bad and "S" in seen else "U"
        case RunIf.AT_LEAST_ONE_SUCCESS:
            return None if "S" in seen else "U"
        case RunIf.ALL_DONE:
            return None
        case RunIf.AT_LEAST_ONE_FAILED:
            return None if bad else "X"
        case RunIf.ALL_FAILED:
            return None if len(bad) == len(seen) else "X"


def _by_airflow(
    steps: tuple[Step, ...], whole: JobSettings, fails: set[str], holds: set[str]
) -> dict[str, str]:
    ended: dict[str, str] = {}
    found: dict[str, str] = {}
    for step in steps:
        state = _triggered(step.rule, [ended[need] for need in step.needs])
        if state is None:
            inside = _by_openlake(whole.tasks, fails, holds, set(step.keys))
            found |= inside
            state = "F" if "F" in inside.values() else "S"
        else:
            found |= dict.fromkeys(step.keys, state)
        ended[step.task_id] = state
    return found


def _triggered(rule: str, seen: list[str]) -> str | None:
    bad, skipped, good = (sum(each in of for each in seen) for of in ("FU", "X", "S"))
    if not seen:
        return None
    match rule:
        case "all_success":
            return "U" if bad else "X" if skipped else None
        case "all_failed":
            return "X" if good or skipped else None
        case "all_done":
            return None
        case "all_done_min_one_success":
            return "X" if skipped else None if good else "U"
        case "none_failed_min_one_success":
            return "U" if bad else "X" if skipped == len(seen) else None if good else "U"
        case _:
            raise AssertionError(rule)


def _job_at_random(random: Random) -> JobSettings:
    """Draw a job whose tasks come in an order of their dependencies."""
    tasks: list[dict[str, Any]] = []
    for i in range(random.randint(2, 7)):
        above = random.sample(tasks, min(i, random.randint(0, 3)))
        needs = [each["task_key"] for each in above]
        rule = random.choice([*RunIf, RunIf.ALL_SUCCESS, RunIf.ALL_FAILED, RunIf.ALL_DONE])
        if rule is RunIf.AT_LEAST_ONE_FAILED and random.random() < 0.7:
            rule = RunIf.ALL_SUCCESS
        talks = needs and random.random() < 0.1
        parameters = {"n": f"{{{{tasks.{needs[0]}.values.n}}}}"} if talks else {}
        made = task(f"t{i}", *needs, run_if=rule if needs else "ALL_SUCCESS", parameters=parameters)
        if random.random() < 0.1:
            del made["sql_task"]
            made["condition_task"] = {"op": "EQUAL_TO", "left": "1", "right": "1"}
        for edge, up in zip(made["depends_on"], above, strict=True):
            if "condition_task" in up:
                edge["outcome"] = random.choice(["true", "false", None])
        tasks.append(made)
    return job(*tasks)


def test_a_dag_does_what_the_job_does() -> None:
    cut_finely = 0
    for seed in range(3000):
        random = Random(seed)
        whole = _job_at_random(random)
        keys = [each.task_key for each in whole.tasks]
        fails = {key for key in keys if random.random() < 0.4}
        holds = {key for key in keys if random.random() < 0.5}
        steps = steps_of(whole)
        assert sorted(key for step in steps for key in step.keys) == sorted(keys)
        by_id = {step.task_id: step for step in steps}
        in_order = tuple(sorted(steps, key=lambda step, known=by_id: _depth(step, known)))
        wanted = _by_openlake(whole.tasks, fails, holds, set(keys))
        assert _by_airflow(in_order, whole, fails, holds) == wanted, seed
        cut_finely += len(steps) > 1
    assert cut_finely > 1500


def _depth(step: Step, all_steps: dict[str, Step]) -> int:
    return 1 + max((_depth(all_steps[need], all_steps) for need in step.needs), default=0)
