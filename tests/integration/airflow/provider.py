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


def main():
    plan = json.loads(sys.stdin.read())
    deeds = {"connect": connect, "operate": operate, "kill": kill}
    with ThreadPoolExecutor(len(plan)) as pool:
        under_way = {name: pool.submit(deeds[each["do"]], each) for name, each in plan.items()}
        print(json.dumps({name: each.result() for name, each in under_way.items()}))


main()
