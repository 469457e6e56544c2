"""The benchmark: all contestants on the same series (``python -m training benchmark``)."""

from training.benchmark.run import run_benchmark

__all__ = ["run_benchmark"]
