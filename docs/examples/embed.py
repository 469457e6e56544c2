"""Classify inside a Python program: arrays, batches as they come, whole files.

python embed.py batch.parquet classified.parquet
"""

import sys
from collections import Counter

import numpy as np
import pyarrow.parquet as pq

from insar_runtime import Classifier, InsarRuntimeError, classify_file


def of_arrays(classifier: Classifier) -> None:
    """Displacements [N, T] in mm along the line of sight and T dates, in memory."""
    dates = np.arange("2020-01-03", "2024-01-03", 12, dtype="datetime64[D]")
    years = (dates - dates[0]).astype(float) / 365.25
    noise = np.random.default_rng(0).normal(0, 2, (3, len(dates)))
    displacement = noise + np.stack([0 * years, -12 * years, 27.7 * (years > 2)])
    displacement[0, 10:20] = np.nan  # missing epochs
    result = classifier.classify(displacement, dates)
    for name, confidence in zip(result.class_name, result.confidence, strict=True):
        print(f"array: {name} {confidence:.2f}")


def of_batches(classifier: Classifier, path: str) -> None:
    """Batches from wherever they come, in constant memory; all of one call share their columns and dates."""
    counts: Counter[str | None] = Counter()
    for batch in classifier.classify_batches(pq.ParquetFile(path).iter_batches(4096), units="mm"):
        counts.update(batch.column("class_name").to_pylist())
    print("batches:", dict(counts))


def of_a_file(classifier: Classifier, path: str, output: str) -> None:
    """File to file, for the mix of classes of this very file."""
    summary = classify_file(path, output, classifier=classifier, units="mm", overwrite=True)
    print("file:", summary.rows, "rows,", summary.classes)


if __name__ == "__main__":
    try:
        shared = Classifier()  # opens the model once; threads may share it
        of_arrays(shared)
        # Where most points are stable, say so: the same session, re-weighted.
        of_batches(
            shared.with_priors({"stable": 95, "linear": 2, "quadratic": 1, "bilinear": 1, "pue": 1}), sys.argv[1]
        )
        of_a_file(shared, sys.argv[1], sys.argv[2])
    except InsarRuntimeError as error:
        sys.exit(f"{type(error).__name__}: {error}")
