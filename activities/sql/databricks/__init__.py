"""Databricks SQL on engines that speak other dialects.

`translation` is the front door; what it cannot translate it refuses by name (`refusal`).
"""

from activities.sql.databricks.translation import (
    Columns,
    Translated,
    needs_columns,
    translate,
    translate_script,
)

__all__ = ["Columns", "Translated", "needs_columns", "translate", "translate_script"]
