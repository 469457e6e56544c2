"""Consistency of the outputs: rows whose class contradicts their rate, break or jumps."""
