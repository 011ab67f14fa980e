"""Greets somebody, and passes the greeting on to the later tasks."""

import sys

from dbruntime import dbutils

greeting = f"Hello, {sys.argv[1]}!"
dbutils.jobs.taskValues.set("greeting", greeting)
print(greeting)
