"""Evaluation of the recent change: calibration, power, and the published rule on the same series."""
