"""Appends one row; the first attempt waits first."""

import os
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sql("CREATE SCHEMA IF NOT EXISTS fenced")
spark.sql("CREATE TABLE IF NOT EXISTS fenced.events (attempt STRING) USING iceberg")
attempt = os.environ["OPENLAKE_ATTEMPT"]
if attempt == "0":
    print("ready to commit", flush=True)
    time.sleep(15)
spark.sql(f"INSERT INTO fenced.events VALUES ('{attempt}')")
print("committed", flush=True)
