"""The catalog gateway: every engine's one Iceberg REST address.

A call's bearer token names the attempt that makes it. Reads are passed on to the catalog and what
was loaded is noted; commits are stamped with the attempt, checked under a lock against the fence,
noted before and after, and passed on at most once.
"""
