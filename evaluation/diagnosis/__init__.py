"""Evaluation of the diagnosis: rates, breaks, jumps and noise against known ones, simulated and real."""
