"""Proof of the diagnosis: breaks, jumps, repair and noise of series of known truth, simulated and semi-real."""
