"""Acquisition dates: their columns, lists and formats."""
