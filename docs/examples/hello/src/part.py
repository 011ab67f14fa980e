"""Says goodbye, with the greeting of an earlier task in mind."""

import sys

from dbruntime import dbutils

greeting = dbutils.jobs.taskValues.get("greet", "greeting", debugValue="Hello!")
print(f"First it was '{greeting}', and now: goodbye, {sys.argv[1]}.")
