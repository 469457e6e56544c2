"""Findings about a file: anomalies of a sample of its rows, of its dates, and of all of its ids."""
