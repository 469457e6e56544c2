"""Speed of the diagnosis, side by side: ``python -m tests.benchmarks.diagnosis``."""
