"""Correction of series for unwrapping errors, and the check that the correction improves the series."""
