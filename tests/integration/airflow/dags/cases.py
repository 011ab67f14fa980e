# pyright: reportMissingImports=false, reportFunctionMemberAccess=false
"""DAGs of a real Airflow that the tests of `tests.integration.airflow` trigger."""

import os
import time
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, get_current_context, task


@dag(schedule=None)
def good():
    @task
    def first():
        return get_current_context()["dag_run"].conf["number"]

    @task
    def numbers(number):
        return [number, number + 1]

    @task
    def double(number):
        return number * 2

    @task
    def total(numbers):
        return {"sum": sum(numbers), "date": str(get_current_context()["ds"])}

    total(double.expand(number=numbers(first())))


@dag(schedule=None)
def bad():
    @task
    def breaks():
        raise ValueError("no rows")

    @task
    def after(_):
        pass

    after(breaks())


@dag(schedule=None)
def slow():
    @task
    def sleeps():
        Path(get_current_context()["dag_run"].conf["pid_file"]).write_text(str(os.getpid()))
        time.sleep(600)

    @task
    def after(_):
        pass

    after(sleeps())


@dag(schedule=None)
def gate():
    @task
    def waits():
        conf = get_current_context()["dag_run"].conf
        while not Path(conf["file"]).exists():
            time.sleep(0.1)
        return conf["answer"]

    waits()


@dag(schedule=None)
def flaky():
    @task(retries=1, retry_delay=timedelta(0))
    def second_time():
        if get_current_context()["ti"].try_number == 1:
            raise ValueError("not yet")

    second_time()


@dag(schedule=None, is_paused_upon_creation=True)
def paused():
    @task
    def never():
        pass

    never()


good()
bad()
slow()
gate()
flaky()
paused()
