"""Sums squares on Spark and leaves the sum for later tasks."""

import sys

from dbruntime import dbutils
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
[row] = spark.range(int(sys.argv[1])).selectExpr("sum(id * id) AS total").collect()
dbutils.jobs.taskValues.set("sum", row["total"])
print(f"the sum of the squares below {sys.argv[1]} is {row['total']}")
