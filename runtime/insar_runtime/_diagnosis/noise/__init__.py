"""Noise of a file: covariance models, and their estimate from a sample of the rows."""
