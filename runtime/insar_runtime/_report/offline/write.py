"""Writing of the page that classifies in the browser."""

from __future__ import annotations

from pathlib import Path

from insar_runtime._output.atomic import write_file
from insar_runtime._output.output_checks import check_output
from insar_runtime._report.offline.page import offline_parts
from insar_runtime._report.offline.web_runtime import read_web_runtime
from insar_runtime.models import Model


def write_page(output: Path, model: Model, runtime: Path, *, overwrite: bool = False) -> int:
    """Write the page, and return its size in bytes.

    Parameters
    ----------
    output : Path
        HTML file to write.
    model : Model
        What the page classifies with.
    runtime : Path
        Folder of onnxruntime-web; see ``read_web_runtime``.
    overwrite : bool
        Whether an output that exists may be replaced.

    Raises
    ------
    InsarRuntimeError
        If the page cannot be written; the output is then unchanged.
    """
    check_output(output, overwrite=overwrite)
    parts = offline_parts(model, read_web_runtime(runtime))
    write_file(output, (part.encode() for part in parts), overwrite=overwrite)
    return output.stat().st_size
