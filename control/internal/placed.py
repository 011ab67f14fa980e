"""What an attempt's program takes from the warehouse that its task names; pure."""

from spec.attempts import DbtProgram, Program, SqlDialect, SqlProgram
from spec.tasks import BUILT_IN, Engine, Task
from spec.warehouses import PinnedWarehouse


def on_warehouse(program: Program, task: Task, warehouse: PinnedWarehouse | None) -> Program:
    """Return the program with the dialect, catalog and schema of its warehouse.

    What the task or its query says itself wins.

    Args:
        program: As made from the task.
        task: Its task.
        warehouse: As pinned with the run; None when it is a built-in one as at first.
    """
    if warehouse is None:
        return program
    if isinstance(program, SqlProgram):
        is_ours = task.check_task is not None and task.check_task.sql is None
        place = {
            "catalog": program.catalog or warehouse.catalog,
            "schema_name": program.schema_name or warehouse.schema_name,
        }
        # The query of a check's rules is written by OpenLake, for every engine.
        dialect = {} if is_ours else {"dialect": warehouse.dialect}
        return program.model_copy(update=place | dialect)
    if isinstance(program, DbtProgram) and task.dbt_task is not None:
        of_task = task.dbt_task
        place = {
            "warehouse": warehouse.engine,
            "catalog": of_task.catalog or warehouse.catalog,
            "schema_name": of_task.schema_ or warehouse.schema_name or program.schema_name,
        }
        return program.model_copy(update=place)
    return program


def sqlglot_dialect(warehouse_id: str, warehouse: PinnedWarehouse | None) -> str:
    """Return what the SQL of a run's warehouse is written in, in sqlglot's word.

    Args:
        warehouse_id: As the task names it.
        warehouse: As the run has pinned it; None for a built-in one as it came.
    """
    if warehouse is None:
        return BUILT_IN.get(warehouse_id, Engine.DUCKDB).value
    is_databricks = warehouse.dialect is SqlDialect.DATABRICKS
    return "databricks" if is_databricks else warehouse.engine.value
