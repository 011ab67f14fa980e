"""Shows the secret that its cluster's settings hold, and proves that it was there."""

import os

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
password = spark.conf.get("spark.openlake.test.password")
print("setting:", password, "length:", len(password or ""))
print("variable:", os.environ["PASSWORD"])
