"""What local priors change on scenes with known truth and on read rows, and how often the kind of a jump is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.places.scene import NO_JUMP, ORIGIN_M, POINT_JUMP, SHARED_JUMP, PlaceScene
from insar_runtime import Classifier
from insar_runtime._engine.priors import estimated_mix
from insar_runtime._pipeline.local_priors import estimate_local_mixes
from insar_runtime._pipeline.neighbourhood import SPACINGS
from insar_runtime._spatial.neighbours import typical_spacing
from insar_runtime.classes import TrendClass
from insar_runtime.result import Result

MOVING: Final = (TrendClass.LINEAR, TrendClass.QUADRATIC, TrendClass.BILINEAR, TrendClass.OTHER)
CLEAR: Final = 0.95
"""Probability of the true class, for the mix of the training, from which the series of a lone mover is clear."""


@dataclass(frozen=True)
class ClassifiedPoints:
    """A scene with the probabilities of its points.

    Attributes
    ----------
    scene : PlaceScene
    classifier : Classifier
        With the mix of the training.
    probabilities : ndarray of float32, shape [N, C]
        For that mix.
    """

    scene: PlaceScene
    classifier: Classifier
    probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, scene: PlaceScene, classifier: Classifier) -> ClassifiedPoints:
        """Ask the network about a scene."""
        return cls(scene, classifier, classifier.network_probabilities(scene.displacement, days_of(scene)))

    @property
    def distance_m(self) -> float:
        """Default distance of neighbours."""
        return SPACINGS * typical_spacing(self.scene.points_m)

    def under_file_mix(self) -> Result:
        """Return the classes under one mix, estimated from points of the whole scene."""
        model = self.classifier.model
        known = self.probabilities[self.probabilities.max(axis=1) >= model.unsure_below]
        mix = estimated_mix(known, model.training_priors)
        return self.classifier.with_priors(mix).decide_rows(self.probabilities, self.scene.displacement, self._days)

    def under_local_mixes(self, distance_m: float | None = None, **options: Any) -> Result:
        """Return the classes under a mix around each point."""
        model = self.classifier.model
        found = estimate_local_mixes(
            self.probabilities,
            self.scene.points_m,
            distance_m or self.distance_m,
            model.training_priors,
            model.unsure_below,
            **options,
        )
        return self.classifier.decide_rows(self.probabilities, self.scene.displacement, self._days, found.mixes)

    @property
    def _days(self) -> NDArray[np.float32]:
        return days_of(self.scene)

    def errors(self, result: Result) -> dict[str, Any]:
        """Return counts and shares of what classes get right and wrong."""
        truth = self.scene.truth
        moves = np.isin(truth.label, MOVING)
        said, right = np.isin(result.class_id, MOVING), result.class_id == truth.label
        places = self.scene.points_m - ORIGIN_M
        margin = np.zeros(len(self.scene), dtype=np.bool_)
        for area in self.scene.areas:
            margin |= area.weight(places) > 0
        still = ~moves & ~margin
        inside, lone = truth.area > 0, moves & (truth.area == 0)
        of_true = self.probabilities[np.arange(len(truth.label)), truth.label]
        clear = lone & (of_true >= CLEAR)
        found = [np.mean(said[truth.area == number]) >= 0.5 for number in range(1, len(self.scene.areas) + 1)]
        return {
            "still points": int(still.sum()),
            "false moving": int((said & still).sum()),
            "points of areas found": _share(said[inside]),
            "points of areas with their class": _share(right[inside]),
            "areas": len(found),
            "areas with half of their points": int(np.sum(found)),
            "lone movers": int(lone.sum()),
            "lone movers with their class": _share(right[lone]),
            "clear lone movers": int(clear.sum()),
            "clear lone movers with their class": _share(right[clear]),
            "PUE with its class": _share(right[truth.label == TrendClass.PUE]),
            "without a class": _share(result.class_id < 0),
            "right": _share(right),
        }


def days_of(scene: PlaceScene) -> NDArray[np.float32]:
    """Return the time axis of a scene in days [T]."""
    return np.asarray((scene.dates - scene.dates[0]).astype(np.float32))


def kinds_of_jumps(scene: PlaceScene, kind: list[str | None], n_jumps: NDArray[np.float64]) -> dict[str, Any]:
    """Compare the kinds of the largest jumps with the truth, for points on which jumps were found.

    Parameters
    ----------
    scene : PlaceScene
    kind : list of str or None, length N
        Column ``jump_kind``.
    n_jumps : ndarray of float64, shape [N]
        Column ``n_jumps``; NaN where no jumps were searched.
    """
    told = np.array(["unknown" if one is None else one for one in kind])
    jumping = np.nan_to_num(n_jumps) > 0
    found = {}
    for name, code in (("none", NO_JUMP), ("point", POINT_JUMP), ("shared", SHARED_JUMP)):
        rows = jumping & (scene.truth.jump == code)
        found[name] = {
            other: int(np.count_nonzero(told[rows] == other)) for other in ("point", "shared", "file", "unknown")
        }
    return found


def _share(flags: NDArray[np.bool_]) -> float | None:
    return round(float(flags.mean()), 5) if len(flags) else None
