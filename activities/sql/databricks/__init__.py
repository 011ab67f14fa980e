"""Databricks SQL on engines that speak other dialects.

`translation` is the front door; what it cannot translate it refuses by name (`refusal`).
"""

from activities.sql.databricks.catalog_queries import Table
from activities.sql.databricks.tables import Columns
from activities.sql.databricks.translation import entered, needs_columns, translate

__all__ = ["Columns", "Table", "entered", "needs_columns", "translate"]
