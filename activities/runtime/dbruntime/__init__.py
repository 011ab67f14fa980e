"""`dbutils` for user code: task values, widgets, notebooks, secrets and files.

Standard library at import, and nothing of OpenLake's own packages: this runs inside user code,
whatever else is installed there. What carries everything in and out stands in the environment:

    OPENLAKE_CONTEXT     JSON: "upstream" task values by task key, "widgets" values by name
    OPENLAKE_OUT         folder for values.json (task values) and notebook.json (the result)
    OPENLAKE_API_URL     where secrets are asked for, with OPENLAKE_API_TOKEN

`databricks.sdk.runtime` looks for `UserNamespaceInitializer` here, and so finds `dbutils` too.
"""

import os
from typing import Any

from dbruntime._fs import FileSystem
from dbruntime._notebook import Notebook, NotebookExit
from dbruntime._secrets import Secrets
from dbruntime._values import Jobs, Widgets

__all__ = ["DBUtils", "NotebookExit", "UserNamespaceInitializer", "dbutils"]


class DBUtils:
    """The object that user code knows as `dbutils`."""

    def __init__(self, spark: Any = None) -> None:
        """Accept and ignore a Spark session, as Databricks' class does."""
        self.jobs = Jobs()
        self.notebook = Notebook()
        self.widgets = Widgets()
        self.secrets = Secrets()
        self.fs = FileSystem()


dbutils = DBUtils()


class UserNamespaceInitializer:
    """What `databricks.sdk.runtime` asks for the names it exports."""

    _only: "UserNamespaceInitializer | None" = None

    @classmethod
    def getOrCreate(cls) -> "UserNamespaceInitializer":
        """Return the one instance."""
        if cls._only is None:
            cls._only = cls()
        return cls._only

    def get_namespace_globals(self) -> dict[str, Any]:
        """Return names and objects; `spark` is there when the process has a session."""
        names: dict[str, Any] = {"dbutils": dbutils, "getArgument": dbutils.widgets.getArgument}
        spark = _spark()
        if spark is not None:
            names.update(spark=spark, sql=spark.sql, table=spark.table)
        return names


def _spark() -> Any:
    """Return the process's Spark session, made when this is a Spark task; else None."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ and "SPARK_REMOTE" not in os.environ:
        return None
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def __getattr__(name: str) -> Any:
    """Let `from dbruntime import spark` work without paying for Spark otherwise."""
    if name == "spark" and (spark := _spark()) is not None:
        return spark
    raise AttributeError(f"module 'dbruntime' has no attribute '{name}'")
