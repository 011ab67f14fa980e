# pyright: reportMissingImports=false
"""The DAG that `airflow.yml` triggers: what its last task returns is a task value in OpenLake."""

from airflow.sdk import dag, get_current_context, task


@dag(schedule=None, tags=["openlake"])
def openlake_example():
    """Load the shops that the job names."""

    @task
    def load() -> list[str]:
        """Pretend to load; a real DAG would."""
        return get_current_context()["dag_run"].conf["shops"]

    @task
    def report(shops: list[str]) -> str:
        """Say what was loaded."""
        return f"{', '.join(shops)} on {get_current_context()['dag_run'].conf['day']}"

    report(load())


openlake_example()
