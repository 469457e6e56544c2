"""Speed and footprint, side by side: ``python -m benchmarks.speed``."""
