"""The statistical limit: the Bayes classifier over the simulator's own priors, where it can be computed."""

from training.limit.bayes import bayes_probabilities
from training.limit.motions import Effort
from training.limit.subset import limit_config

__all__ = ["Effort", "bayes_probabilities", "limit_config"]
