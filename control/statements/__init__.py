"""SQL statements sent to a warehouse, their results and their history."""
