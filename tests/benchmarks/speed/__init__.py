"""Speed and footprint, side by side: ``python -m tests.benchmarks.speed``."""
