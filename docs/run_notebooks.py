"""The notebooks of the documentation: executed in a fresh kernel, with their outputs written into them.

``python docs/run_notebooks.py`` executes both; ``tests/test_notebooks.py`` compares what they give with what
is written.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
NOTEBOOKS: Final = tuple(ROOT / "docs" / "notebooks" / f"{name}.ipynb" for name in ("first_map", "in_a_chain"))


def execute(path: Path) -> Any:
    """Return a notebook with the outputs of its cells.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    import nbformat  # noqa: PLC0415 - group docs
    from nbclient import NotebookClient  # noqa: PLC0415

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # Outputs without the times at which they were made are the same each time.
        client = NotebookClient(
            notebook,
            timeout=300,
            startup_timeout=300,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env={**os.environ, **_environment()})
    # What the kernel says of itself differs from machine to machine.
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _environment() -> dict[str, str]:
    """Return what the kernel needs to import this checkout."""
    paths = [str(ROOT / "runtime"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "ORT_DISABLE_TELEMETRY": "1"}


def main() -> None:
    """Execute both notebooks and write them."""
    import nbformat  # noqa: PLC0415

    for path in NOTEBOOKS:
        nbformat.write(execute(path), path)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
