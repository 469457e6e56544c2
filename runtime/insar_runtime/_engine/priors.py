"""Class priors: probabilities for another mix of classes than that of the training, and the mix of a file.

Saerens, Latinne, Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities: a simple
procedure", Neural Computation 14(1), 2002, 21-41. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021: a
ratio of priors with an exponent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from insar_runtime._engine.class_priors import ClassPriors, PriorsOrigin
from insar_runtime.classes import CLASS_NAMES, SEED_CLASS_NAMES
from insar_runtime.errors import DataError, UsageError

LEAST_SHARE: Final = 1e-3
"""An estimate takes no class to be rarer: calibration is not proven any finer, and a class that is not among the rows
that were looked at may be among the others."""

ESTIMATE_WEIGHT: Final = 0.25
"""Exponent of the estimated shares; that of the shares of the training is the rest to 1. On real rows the networks are
surer than they should be, and overlapping classes compete, so the most likely mix leaves rare classes next to nothing:
with all of it, 30 % of clear movers among 95 % Stable rows are called Stable, and 3 % with the mix of the training. Of
the rules and exponents that ``python -m evaluation priors`` compares, this one has the least cost."""

_LEAST_ROWS: Final = 100
"""From fewer rows no mix is estimated: one row would be more than a hundredth."""

_MOST_STEPS: Final = 1000
_SETTLED: Final = 1e-6
"""Estimation ends when no share changes by more in a step; each step costs two passes over the rows."""

_REMEDY: Final = (
    "give six shares such as .94,.02,.01,.01,.01,.01 or stable=.94,linear=.02,quadratic=.01,bilinear=.01,pue=.01,"
    "other=.01, or the first five"
)
_BY_NAME: Final = ", or auto, local or trained"


def make_priors(
    shares: Mapping[str, float] | Sequence[float] | NDArray[np.float64],
    origin: PriorsOrigin = "given",
    rows: int | None = None,
) -> ClassPriors:
    """Check shares of the six classes, or of the first five, and bring their sum to 1.

    Parameters
    ----------
    shares : mapping of str to float, or sequence of 6 or 5 floats
        By class name in any case, or in the order of ``CLASS_NAMES``.
    origin : {"training", "given", "estimated", "too_few_rows", "local"}
        Where they come from.
    rows : int, optional
        Rows that were there to estimate from.

    Raises
    ------
    UsageError
        If a class is missing, unknown or named twice, or a share is not finite and above 0.
    """
    ordered = _in_order(shares.items()) if isinstance(shares, Mapping) else shares
    try:
        values = np.asarray(ordered, dtype=np.float64)
    except (TypeError, ValueError) as error:
        if str(shares) == "local":
            raise UsageError(
                "priors local need the positions of all points, for which a file is read twice: use classify_file, or "
                "give auto, trained or shares"
            ) from error
        named = _BY_NAME if _is_text(shares) else ""
        raise UsageError(f"priors {shares!r} are not numbers; {_REMEDY}{named}") from error
    names = CLASS_NAMES if values.shape == (len(CLASS_NAMES),) else SEED_CLASS_NAMES
    if values.shape != (len(names),):
        raise UsageError(f"priors {shares!r} are not {len(CLASS_NAMES)} numbers, one per class; {_REMEDY}")
    with np.errstate(over="ignore"):
        total = values.sum()
    if not (np.isfinite(total) and (values > 0).all() and (values / total > 0).all()):
        raise UsageError(f"priors {values.tolist()} are not all finite and above 0; {_REMEDY}")
    return ClassPriors(dict(zip(names, (values / total).tolist(), strict=True)), origin, rows)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def for_classes_of(priors: ClassPriors, model: str, training: ClassPriors) -> ClassPriors:
    """Return priors for the classes of a model.

    Parameters
    ----------
    priors : ClassPriors
        Of six or five classes.
    model : str
        Its name, for the message.
    training : ClassPriors
        Mix of its training, which has its classes. A class that ``priors`` leave out keeps its share of this mix, and
        the others divide the rest.

    Raises
    ------
    UsageError
        If a class is given that the model does not know.
    """
    unknown = [name for name in priors.shares if name not in training.shares]
    if unknown:
        raise UsageError(
            f"model {model} has no class {', '.join(unknown)}: give shares of its {len(training.shares)} classes alone"
        )
    kept = {name: share for name, share in training.shares.items() if name not in priors.shares}
    if not kept:
        return priors
    rest = 1 - sum(kept.values())
    shares = {name: kept.get(name) or rest * priors.shares[name] for name in training.shares}
    return replace(priors, shares=shares)


def parse_priors(text: str) -> ClassPriors | Literal["auto", "local", "trained"]:
    """Read priors as the command line takes them.

    Parameters
    ----------
    text : str
        Six numbers in the order of ``CLASS_NAMES`` (``.94,.02,.01,.01,.01,.01``) or the first five of them, or all with
        their names (``stable=.94,linear=.02,...``), or ``auto``, ``local`` or ``trained``.

    Raises
    ------
    UsageError
        If the text is none of these.
    """
    if text == "auto":
        return "auto"
    if text == "local":
        return "local"
    if text == "trained":
        return "trained"
    parts = [part.strip() for part in text.split(",")]
    try:
        if "=" not in text:
            return make_priors([float(part) for part in parts])
        pairs = [part.partition("=") for part in parts]
        return make_priors(_in_order((name.strip(), float(share)) for name, _, share in pairs))
    except UsageError as error:
        raise UsageError(f"{error}{_BY_NAME}") from error
    except ValueError as error:
        raise UsageError(f"priors {text!r} are not numbers; {_REMEDY}{_BY_NAME}") from error


def reweight(
    probabilities: NDArray[np.floating], priors: NDArray[np.float64], training_priors: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the probabilities that hold under other priors than those of the training.

    Each is multiplied by the ratio of the priors, then each row is brought to sum 1 (Saerens et al. 2002, eq. 2.4).
    A row's result depends on no other row.

    Parameters
    ----------
    probabilities : ndarray of float, shape [N, C]
        As the network gives them; C is the number of its classes.
    priors, training_priors : ndarray of float64, shape [C]
        All above 0.

    Returns
    -------
    ndarray of float32, shape [N, C]
    """
    weighted = probabilities * (priors / training_priors)
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True), dtype=np.float32)


def estimate_priors(probabilities: NDArray[np.floating], training_priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate the mix of classes of the rows, by expectation and maximization (Saerens et al. 2002, eq. 2.9).

    Its likelihood has one maximum, so the start does not matter. The estimate is as good as the calibration is:
    rows unlike those of the training mislead it.

    Parameters
    ----------
    probabilities : ndarray of float, shape [N, C]
        As the network gives them, N at least 1; C is the number of its classes.
    training_priors : ndarray of float64, shape [C]
        All above 0.

    Returns
    -------
    ndarray of float64, shape [C]
        Sum 1; none below ``LEAST_SHARE``, but for what the sum takes.

    Raises
    ------
    DataError
        If there are no rows.
    """
    rows = len(probabilities)
    if not rows:
        raise DataError("there are no probabilities to estimate priors from; give the priors")
    likelihood = np.ascontiguousarray(probabilities.T, dtype=np.float64) / training_priors[:, None]
    shares = training_priors / training_priors.sum()
    for _ in range(_MOST_STEPS):
        # einsum, as matrix products of some builds round by the number of threads.
        evidence = np.einsum("k,kn->n", shares, likelihood)
        updated = shares * np.einsum("kn,n->k", likelihood, 1 / evidence) / rows
        settled = np.abs(updated - shares).max() < _SETTLED
        shares = updated
        if settled:
            break
    shares = np.maximum(shares, LEAST_SHARE)
    return np.asarray(shares / shares.sum())


def damped(estimate: NDArray[np.float64], training_priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mix of classes between that of the training and the most likely one: a weighted geometric mean.

    Parameters
    ----------
    estimate, training_priors : ndarray of float64, shape [C]
        All above 0.

    Returns
    -------
    ndarray of float64, shape [C]
        Sum 1. The estimate counts by ``ESTIMATE_WEIGHT``.
    """
    shares = training_priors ** (1 - ESTIMATE_WEIGHT) * estimate**ESTIMATE_WEIGHT
    return np.asarray(shares / shares.sum())


def estimated_mix(probabilities: NDArray[np.floating], training: ClassPriors) -> ClassPriors:
    """Return the mix of classes that ``--priors auto`` takes for rows that the network knows, and where it comes from.

    Parameters
    ----------
    probabilities : ndarray of float, shape [N, C]
        As the network gives them, without columns of classes that it does not know; see ``known_rows``.
    training : ClassPriors
        What they hold for; it is kept where the rows are too few.
    """
    rows = len(probabilities)
    if rows < _LEAST_ROWS:
        return replace(training, origin="too_few_rows", rows=rows)
    estimate = estimate_priors(probabilities, training.array)
    mix = make_priors(damped(estimate, training.array), "estimated", rows)
    return replace(mix, estimate=dict(zip(mix.shares, estimate.tolist(), strict=True)))


def known_rows(probabilities: NDArray[np.float32], unsure_below: float) -> NDArray[np.float32]:
    """Leave out rows that say nothing of the mix: those the network does not know, and NaN where it was not asked."""
    return np.asarray(probabilities[probabilities.max(axis=1, initial=0) >= unsure_below])


def _in_order(pairs: Iterable[tuple[str, float]]) -> list[float]:
    """Bring named shares to the order of the classes; Other may be missing."""
    known = {name.lower(): name for name in CLASS_NAMES}
    found: dict[str, float] = {}
    for name, share in pairs:
        key = known.get(str(name).lower())
        if key is None:
            raise UsageError(f"priors name the class {name!r}; the classes are {', '.join(CLASS_NAMES)}")
        if key in found:
            raise UsageError(f"priors name the class {key} twice; {_REMEDY}")
        found[key] = share
    missing = [name for name in SEED_CLASS_NAMES if name not in found]
    if missing:
        raise UsageError(f"priors do not name {', '.join(missing)}; {_REMEDY}")
    return [found[name] for name in CLASS_NAMES if name in found]
