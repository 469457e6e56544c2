"""Statistical limit of accuracy: Bayes classifier with the priors of the simulator."""

from evaluation.limit.bayes import bayes_probabilities
from evaluation.limit.motions import Effort
from evaluation.limit.subset import limit_config

__all__ = ["Effort", "bayes_probabilities", "limit_config"]
