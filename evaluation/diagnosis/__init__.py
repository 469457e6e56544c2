"""Proofs of the diagnosis: rates, breaks, jumps and noise against what is known of real and made series."""
