"""Logs of attempts: chunks in the object store, an index in Postgres."""
