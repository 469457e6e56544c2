"""Speed of the diagnosis in comparison with other methods: ``python -m benchmarks.diagnosis``."""
