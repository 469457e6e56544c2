"""Script without this package, for comparison: pandas and the paper's network in Keras.

``python -m benchmarks.speed.pandas_script INPUT OUTPUT KERAS_FILE``
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from training.networks import layers as _layers  # noqa: F401 - registers the layers that the file names


def main(source: Path, output: Path, model_file: Path) -> None:
    """Read a file, predict, and write the result."""
    table = pd.read_parquet(source) if source.suffix == ".parquet" else pd.read_csv(source)
    dates = [name for name in table.columns if re.fullmatch(r"\d{8}", name)]
    days = (pd.to_datetime(dates) - pd.to_datetime(dates[0])).days.to_numpy(dtype=np.float32)
    displacement = table[dates].to_numpy(dtype=np.float32)
    model = keras.saving.load_model(model_file)
    axes = np.broadcast_to(days, displacement.shape)
    probabilities = model.predict({"displacement": displacement, "days": axes}, verbose=0)
    out = table.drop(columns=dates)
    out["class_id"] = probabilities.argmax(axis=1)
    out["confidence"] = probabilities.max(axis=1)
    out.to_parquet(output)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
