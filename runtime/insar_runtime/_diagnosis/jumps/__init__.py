"""Jumps of series, as unwrapping errors leave them: epochs, sizes, numbers of cycles and probabilities."""
