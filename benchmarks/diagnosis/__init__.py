"""Speed of the diagnosis, side by side: ``python -m benchmarks.diagnosis``."""
