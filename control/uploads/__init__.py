"""Files on their way into tables: kept in the object store until a run has loaded them."""
