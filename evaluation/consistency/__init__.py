"""Consistency of the outputs: rows whose class contradicts the rate, break or jumps."""
