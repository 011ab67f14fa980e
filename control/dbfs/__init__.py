"""DBFS: one more tree of files for each workspace, as older clients know it."""
