"""Diagnosis of displacement time series: rates, date of a break, unwrapping jumps, and their repair."""
