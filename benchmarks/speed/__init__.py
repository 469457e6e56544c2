"""Speed and memory in comparison with other software: ``python -m benchmarks.speed``."""
