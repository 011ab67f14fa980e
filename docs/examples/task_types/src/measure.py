"""Leaves its argument as the task value `size`."""

import sys

from dbruntime import dbutils

dbutils.jobs.taskValues.set("size", int(sys.argv[1]))
