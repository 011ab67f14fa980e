"""What of Databricks SQL works on which engine: the cases, how they went, and the page about it."""
