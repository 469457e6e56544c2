"""Findings about a file, which ``inspect`` and ``classify`` state: anomalies of its rows, dates, unit and ids."""
