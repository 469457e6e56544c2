"""Classical and learned opponents of the networks, all with the interface of ``Contestant``."""

from training.baselines.contestant import Contestant
from training.baselines.dense import DenseNetwork
from training.baselines.egmspy import EgmspyRules
from training.baselines.forest import Forest
from training.baselines.glsbic import GlsBic
from training.baselines.minirocket import MiniRocket
from training.baselines.pstime import PsTime

__all__ = ["Contestant", "DenseNetwork", "EgmspyRules", "Forest", "GlsBic", "MiniRocket", "PsTime"]
