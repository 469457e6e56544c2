"""Comparison of models and baselines on the same series (``python -m evaluation benchmark``)."""

from evaluation.benchmark.run import run_benchmark

__all__ = ["run_benchmark"]
