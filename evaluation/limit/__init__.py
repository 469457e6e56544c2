"""Statistical limit of accuracy: the Bayes classifier under the simulator's own priors, where it can be computed."""

from evaluation.limit.bayes import bayes_probabilities
from evaluation.limit.motions import Effort
from evaluation.limit.subset import limit_config

__all__ = ["Effort", "bayes_probabilities", "limit_config"]
