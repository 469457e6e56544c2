"""What the full validation of Arrow IPC batches costs: rows a second of one core with it and without, read from a file.

``python -m benchmarks.ipc_validation`` prints one line for a wide table of float32 and one for lists with their dates.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

ROWS: Final = 100_000
EPOCHS: Final = 250
ROUNDS: Final = 7
_BATCH_ROWS: Final = 8192


def main() -> None:
    """Measure both tables."""
    values = np.random.default_rng(0).normal(size=(ROWS, EPOCHS)).astype(np.float32)
    ids = pa.array([f"p{i:07d}" for i in range(ROWS)])
    days = np.tile(np.datetime64("2019-01-04") + 6 * np.arange(EPOCHS), ROWS)
    offsets = pa.array(np.arange(0, ROWS * EPOCHS + 1, EPOCHS, dtype=np.int32))
    tables = {
        "wide": pa.table({"pid": ids, **{f"c{i}": values[:, i] for i in range(EPOCHS)}}),
        "list": pa.table(
            {
                "pid": ids,
                "displacements": pa.ListArray.from_arrays(offsets, pa.array(values.ravel())),
                "dates": pa.ListArray.from_arrays(offsets, pa.array(days)),
            }
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            path = Path(folder) / f"{name}.arrow"
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table, _BATCH_ROWS)
            # In turn, so that both have the same caches and the same neighbours.
            pairs = [(_seconds(path, validated=False), _seconds(path, validated=True)) for _ in range(ROUNDS)]
            plain, validated = (ROWS / min(times) / 1e6 for times in zip(*pairs, strict=True))
            rates = f"{plain:.1f} million rows/s, validated {validated:.1f}"
            print(f"{name}: {rates}, {ROWS} rows of {EPOCHS} epochs")  # noqa: T201 - a command


def _seconds(path: Path, *, validated: bool) -> float:
    """Return the processor time that reading all batches takes."""
    begin = time.process_time()
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file)
        for number in range(table.num_record_batches):
            batch = table.get_batch(number)
            if validated:
                batch.validate(full=True)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
