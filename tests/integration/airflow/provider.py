# pyright: reportMissingImports=false
"""Runs operators of Airflow's Databricks provider, unchanged; this is read by Airflow's Python.

It is given a plan as JSON, name → what to do, and prints name → what came of it as JSON, on the
last line. Every entry has a thread of its own. Nothing here knows of OpenLake: the connection comes
from `AIRFLOW_CONN_DATABRICKS_DEFAULT`, as people set it.
"""

import asyncio
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from airflow.providers.databricks.hooks.databricks import DatabricksHook
from airflow.providers.databricks.operators import databricks as operators
from airflow.providers.databricks.operators.databricks_workflow import DatabricksWorkflowTaskGroup
from airflow.sdk import DAG
from airflow.sdk.exceptions import TaskDeferred


class Store(dict):
    """What a task instance pushes, or what Airflow keeps for a task's next try."""

    dag_id, task_id, run_id, try_number, map_index, stats_tags = "dag", "task", "run", 1, -1, {}

    def xcom_push(self, key, value):
        self[key] = value

    def set(self, key, value):
        self[key] = value


def connect(_):
    return DatabricksHook().test_connection()


def operate(entry):
    """Execute an operator; one that defers is resumed with what its trigger fires."""
    pushed, kept = Store(), Store(entry.get("kept", {}))
    make = getattr(operators, entry["operator"])
    operator = make(task_id="task", polling_period_seconds=1, **entry["arguments"])
    context = {"ti": pushed, "task_state_store": kept, "params": {}}
    try:
        operator.execute(context)
        outcome = "success"
    except TaskDeferred as deferred:
        event = asyncio.run(fired(deferred.trigger))
        try:
            getattr(operator, deferred.method_name)(context, event)
            outcome = "deferred success"
        except Exception as error:
            outcome = f"deferred {error}"
    except Exception as error:
        outcome = str(error)
    return {**pushed, "outcome": outcome}


async def fired(trigger):
    async for event in trigger.run():
        return event.payload


def kill(entry):
    """Execute an operator, and kill its task as soon as there is a run."""
    make = getattr(operators, entry["operator"])
    operator = make(task_id="task", polling_period_seconds=1, **entry["arguments"])
    operator.run_id = None
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(operator.execute, {"ti": Store()})
        while operator.run_id is None:
            time.sleep(0.1)
        operator.on_kill()
        return {"run_id": operator.run_id, "outcome": str(ended.exception())}


def group(entry):
    """Launch a workflow task group, execute all its tasks at once, and tell what came of each.

    Airflow itself begins a task when those before it have ended; at once, each but the first asks
    for a task that waits. `kill` names one whose Airflow task is killed while it waits.
    """
    with (
        DAG(entry["name"]),
        DatabricksWorkflowTaskGroup(group_id="group", databricks_conn_id="databricks_default"),
    ):
        tasks = {}
        for name, each in entry["tasks"].items():
            make = getattr(operators, each["operator"])
            arguments = {"polling_period_seconds": 1, **each["arguments"]}
            tasks[name] = make(task_id=name, databricks_task_key=name, **arguments)
            for before in each.get("after", ()):
                tasks[before].set_downstream(tasks[name])
    launch = next(iter(tasks.values())).dag.get_task("group.launch")
    launched = launch.execute({"ti": Store()})
    outcomes = {"run_id": launched["run_id"]}
    for task in tasks.values():
        task.workflow_run_metadata = launched
    if "kill" in entry:
        killed = tasks[entry["kill"]]
        killed.databricks_run_id = launched["run_id"]
        killed.on_kill()
    with ThreadPoolExecutor(len(tasks)) as pool:
        ended = {name: pool.submit(task.execute, {"ti": Store()}) for name, task in tasks.items()}
        for name, each in ended.items():
            outcomes[name] = str(each.exception() or "success")
    return outcomes


def main():
    plan = json.loads(sys.stdin.read())
    deeds = {"connect": connect, "operate": operate, "kill": kill, "group": group}
    with ThreadPoolExecutor(len(plan)) as pool:
        under_way = {name: pool.submit(deeds[each["do"]], each) for name, each in plan.items()}
        print(json.dumps({name: each.result() for name, each in under_way.items()}))


main()
