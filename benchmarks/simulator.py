"""Speed of the simulator on one core: ``python -m benchmarks.simulator``."""

from __future__ import annotations

import os
import statistics
import time

# Set before numpy is imported, whose matrix products would use all cores.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from insar_runtime._engine.hardware import describe_hardware
from training.simulator import simulate

SERIES = 20_480
REPETITIONS = 7


def main() -> None:
    """Print the median number of series per second of CPU time."""
    simulate(1000, seed=0)
    rates = []
    for seed in range(REPETITIONS):
        begin = time.process_time()
        simulate(SERIES, seed=seed)
        rates.append(SERIES / (time.process_time() - begin))
    print(describe_hardware())  # noqa: T201 - a command
    print(  # noqa: T201 - a command
        f"simulator: {statistics.median(rates):.0f} series/s of one core "
        f"(median of {REPETITIONS}, {min(rates):.0f} to {max(rates):.0f})"
    )


if __name__ == "__main__":
    main()
