"""Names of other tools for displacement series, and what was measured of them."""

from __future__ import annotations

from typing import Final

PEERS: Final = {
    "EGMSpy rules, our implementation": "classes by the published thresholds of EGMSpy; no package in a registry",
    "PS-Time tests, our implementation": "classes by the published sequence of tests of Berti et al. (2013)",
    "ruptures, PELT": "change points of the level, no class: `Pelt` with the cost `l2`, each series by itself",
    "ruptures, kernel in C": "the same by `KernelCPD` with the linear kernel",
    "MintPy, rates": "line and annual cycle by `estimate_time_func`, all series at once; no class",
}
"""Names of the engines, and what they do."""
NOT_MEASURED: Final = {
    "insar_mht": "tests of many hypotheses for each series; no package of this name in a registry. The nearest method "
    "here is `glsbic`, least squares with estimated noise for each hypothesis.",
}
