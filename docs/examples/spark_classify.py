"""Classify a table of list columns in Spark: spark-submit spark_classify.py series/ classified/ .

Columns dates and displacements (mm) and any attributes. Rows may come from files with different dates.
"""

import sys

from pyspark.sql import SparkSession

from insar_runtime.engines.spark import classify_dataframe

spark = SparkSession.builder.appName("insar-rt").getOrCreate()
# Rows a step of a task: with 300 epochs, 2000 are some 10 MB in all copies together.
spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "2000")

table = spark.read.parquet(sys.argv[1])
# Workers of different kinds of CPU agree (to rounding) where the precision is named.
classified = classify_dataframe(table, units="mm", precision="fp32")
classified.write.mode("errorifexists").parquet(sys.argv[2])
spark.read.parquet(sys.argv[2]).groupBy("class_name").count().show()
spark.stop()
