"""`dbutils.jobs` and `dbutils.widgets`: what goes from task to task, and into one."""

import json
import os
from typing import Any

from dbruntime._files import FRAME, context, leave, left

VALUE_BYTES = 48 * 1024
"""All values of a task together, as JSON (Databricks' limit for one value)."""


class TaskValues:
    """`dbutils.jobs.taskValues`: small values that a task leaves for later tasks."""

    def set(self, key: str, value: Any) -> None:
        """Leave a value that JSON can hold; a later call with the same key replaces it."""
        values: dict[str, Any] = left("values.json") or {}
        values[str(key)] = value
        try:
            size = len(json.dumps(values, allow_nan=False, separators=(",", ":")).encode())
        except (TypeError, ValueError) as error:
            raise ValueError(f"the task value '{key}' cannot be written as JSON: {error}") from None
        if size > VALUE_BYTES:
            raise ValueError(
                f"with '{key}' the task's values take {size} bytes of JSON; the limit is "
                f"{VALUE_BYTES}: write large data to a table and pass its name"
            )
        leave("values.json", values)

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:
        """Return what an earlier task left, or `default`; `debugValue` counts outside of jobs."""
        if "OPENLAKE_CONTEXT" not in os.environ:
            if debugValue is None:
                raise TypeError("outside of a job, taskValues.get needs a debugValue")
            return debugValue
        values = context().get("upstream", {}).get(taskKey, {})
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


class Widgets:
    """`dbutils.widgets`: the task's parameters, and defaults that the code declares."""

    def __init__(self) -> None:
        """See class."""
        self._own: dict[str, str] = {}

    @property
    def _defaults(self) -> dict[str, str]:
        frame = FRAME.get()
        return self._own if frame is None else frame.defaults

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:
        """Declare a parameter with its default."""
        self._defaults[name] = str(defaultValue)

    def dropdown(
        self, name: str, defaultValue: str, choices: list[str], label: str | None = None
    ) -> None:
        """Declare a parameter whose default is one of the choices; a run may give any value."""
        if defaultValue not in choices:
            raise ValueError(f"the default '{defaultValue}' of '{name}' is not one of its choices")
        self.text(name, defaultValue)

    multiselect = dropdown

    def combobox(
        self, name: str, defaultValue: str, choices: list[str], label: str | None = None
    ) -> None:
        """Declare a parameter with its default; choices are for people."""
        self.text(name, defaultValue)

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
        frame = FRAME.get()
        given = context().get("widgets", {}) if frame is None else frame.widgets
        return {**self._defaults, **given}

    def remove(self, name: str) -> None:
        """Forget a declared default."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        """Forget all declared defaults."""
        self._defaults.clear()
