"""Compute profiles as Databricks' clients see them: as clusters that run."""
