"""Evaluation of models and of the diagnosis on simulated and on real series: ``python -m evaluation``."""
