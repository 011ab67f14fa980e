"""`dbutils` for user code: task values, widgets and the notebook's result.

Standard library only, and nothing of OpenLake's own packages: this runs inside user code, whatever
else is installed there. Files named in the environment carry everything in and out:

    OPENLAKE_CONTEXT   JSON: "upstream" task values by task key, "widgets" values by name
    OPENLAKE_OUT       folder for values.json (task values) and notebook.json (the result)

`databricks.sdk.runtime` looks for `UserNamespaceInitializer` here, and so finds `dbutils` too.
"""

import json
import os
import time
from typing import Any

__all__ = ["DBUtils", "NotebookExit", "UserNamespaceInitializer", "dbutils"]

VALUE_BYTES = 48 * 1024
"""All values of a task together, as JSON (Databricks' limit for one value)."""


class NotebookExit(SystemExit):
    """Raised by `dbutils.notebook.exit`: ends the program, successfully."""

    def __init__(self, value: str) -> None:
        """Keep the result; the exit code is 0."""
        super().__init__(0)
        self.value = value


def _context() -> dict[str, Any]:
    path = os.environ.get("OPENLAKE_CONTEXT")
    if path is None or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


def _leave(name: str, content: Any) -> None:
    folder = os.environ.get("OPENLAKE_OUT")
    if folder is None:
        return
    draft = os.path.join(folder, f".{name}.{os.getpid()}.{time.monotonic_ns()}")
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(draft, os.path.join(folder, name))


def _left(name: str) -> Any:
    folder = os.environ.get("OPENLAKE_OUT")
    path = None if folder is None else os.path.join(folder, name)
    if path is None or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class TaskValues:
    """`dbutils.jobs.taskValues`: small values that a task leaves for later tasks."""

    def set(self, key: str, value: Any) -> None:
        """Leave a value that JSON can hold; a later call with the same key replaces it."""
        values: dict[str, Any] = _left("values.json") or {}
        values[str(key)] = value
        try:
            size = len(json.dumps(values).encode())
        except (TypeError, ValueError) as error:
            raise ValueError(f"the task value '{key}' cannot be written as JSON: {error}") from None
        if size > VALUE_BYTES:
            raise ValueError(
                f"with '{key}' the task's values take {size} bytes of JSON; the limit is "
                f"{VALUE_BYTES}: write large data to a table and pass its name"
            )
        _leave("values.json", values)

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """Return what an earlier task left, or `default`; `debugValue` counts outside of jobs."""
        if "OPENLAKE_CONTEXT" not in os.environ:
            if debugValue is None:
                raise TypeError("outside of a job, taskValues.get needs a debugValue")
            return debugValue
        values = _context().get("upstream", {}).get(taskKey, {})
        if key in values:
            return values[key]
        if default is None:
            raise ValueError(f"the task '{taskKey}' has left no value '{key}'")
        return default


class Jobs:
    """`dbutils.jobs`."""

    def __init__(self) -> None:
        """See class."""
        self.taskValues = TaskValues()


class Notebook:
    """`dbutils.notebook`."""

    def exit(self, value: Any) -> None:
        """End the notebook or program with this result."""
        result = str(value)
        _leave("notebook.json", {"result": result})
        raise NotebookExit(result)


class Widgets:
    """`dbutils.widgets`: the task's parameters, and defaults that the code declares."""

    def __init__(self) -> None:
        """See class."""
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:
        """Declare a parameter with its default."""
        self._defaults[name] = str(defaultValue)

    def dropdown(
        self, name: str, defaultValue: str, choices: list[str], label: str | None = None
    ) -> None:
        """Declare a parameter with its default; choices are for people."""
        self.text(name, defaultValue)

    combobox = dropdown
    multiselect = dropdown

    def get(self, name: str) -> str:
        """Return the parameter's value, or its declared default."""
        values = self.getAll()
        if name not in values:
            known = ", ".join(sorted(values)) or "none"
            raise ValueError(f"there is no parameter '{name}'; there is: {known}")
        return values[name]

    def getArgument(self, name: str, defaultValue: str | None = None) -> str:
        """Return the parameter's value, or the default given here."""
        values = self.getAll()
        return self.get(name) if defaultValue is None else values.get(name, defaultValue)

    def getAll(self) -> dict[str, str]:
        """Return every parameter by name."""
        return {**self._defaults, **_context().get("widgets", {})}

    def remove(self, name: str) -> None:
        """Forget a declared default."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        """Forget all declared defaults."""
        self._defaults.clear()


class DBUtils:
    """The object that user code knows as `dbutils`."""

    def __init__(self, spark: Any = None) -> None:
        """Accept and ignore a Spark session, as Databricks' class does."""
        self.jobs = Jobs()
        self.notebook = Notebook()
        self.widgets = Widgets()


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
