"""From a matrix to probabilities: checks, sessions, calls, priors."""
