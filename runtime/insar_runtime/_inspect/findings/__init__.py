"""Findings about a file: what is unusual in a sample of its rows, in its dates, and in all of its ids."""
