"""Classify a table of list columns in Ray: python ray_classify.py series/ classified/ .

Columns dates and displacements (mm) and any attributes. Rows may come from files with different dates.
"""

import sys

import ray

from insar_runtime.engines.ray import classify_dataset

ray.init()
actors = max(int(ray.cluster_resources()["CPU"]) - 1, 1)  # one thread each; one CPU is left for reading

table = ray.data.read_parquet(sys.argv[1])
# On GPUs: device="cuda", resources={"num_gpus": 1}.
compute = ray.data.ActorPoolStrategy(size=actors)
classified = classify_dataset(table, units="mm", precision="fp32", device="cpu", compute=compute)
classified.write_parquet(sys.argv[2])
ray.data.read_parquet(sys.argv[2]).groupby("class_name").count().show()
