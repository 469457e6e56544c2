"""Baselines: statistical tests and other trained classifiers, with the interface ``Contestant``."""

from evaluation.baselines.contestant import Contestant
from evaluation.baselines.dense import DenseNetwork
from evaluation.baselines.egmspy import EgmspyRules
from evaluation.baselines.forest import Forest
from evaluation.baselines.glsbic import GlsBic
from evaluation.baselines.minirocket import MiniRocket
from evaluation.baselines.pstime import PsTime

__all__ = ["Contestant", "DenseNetwork", "EgmspyRules", "Forest", "GlsBic", "MiniRocket", "PsTime"]
