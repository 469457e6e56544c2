"""Version of the package, as the wheel, the outputs and ``insar-rt --version`` name it."""

__version__ = "0.1.0"
