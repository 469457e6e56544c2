"""``insar-rt classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from insar_runtime._commands.console import print_report, quiet_when_unread, say
from insar_runtime._commands.options import (
    DeviceOption,
    IdOption,
    InputArgument,
    JsonOption,
    LatOption,
    LonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    ThreadsOption,
    UnitsOption,
    VelocityOption,
    named_columns,
    open_classifier,
)
from insar_runtime._views.progress import ProgressBar
from insar_runtime.errors import UsageError


def classify(
    source: InputArgument,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Parquet file; - writes an Arrow stream. Default: INPUT.classified.parquet.",
            show_default=False,
        ),
    ] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    threads: ThreadsOption = None,
    abstain_below: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Give no class below this confidence; by default the model's threshold."),
    ] = None,
    priors: Annotated[
        str | None,
        typer.Option(
            help="Shares of the five classes where the points lie (.95,.02,.01,.01,.01 or stable=.95,linear=.02,...), "
            "or auto to estimate them from the file; by default those of the training.",
            show_default=False,
        ),
    ] = None,
    units: UnitsOption = None,
    id_column: IdOption = None,
    lon: LonOption = None,
    lat: LatOption = None,
    velocity: VelocityOption = None,
    keep_series: Annotated[bool, typer.Option("--keep-series", help="Keep the series in the output.")] = False,
    overwrite: OverwriteOption = False,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory that the run may hold, such as 400M: it takes smaller steps, or ends with an error.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Classify every point of a file; rows and their order stay."""
    import pyarrow as pa

    from insar_runtime._inference.priors import parse_priors
    from insar_runtime._pipeline.memory import parse_size, peak_memory_mb
    from insar_runtime._views.texts import describe_summary
    from insar_runtime.files import classify_file

    if output == "":
        raise UsageError("the output has no name; give -o a file, or leave it away")
    if output is None:
        output = "-" if source == "-" else default_output(source)
    if as_json and output == "-":
        raise UsageError("--json and -o - both want standard output; give -o a file")
    mix = None if priors is None else parse_priors(priors)
    limit = None if memory_limit is None else parse_size(memory_limit)
    classifier = open_classifier(model, device, precision, threads, abstain_below)
    # Arrow's own threads are as many as the machine's processors, whatever was asked for.
    pa.set_cpu_count(classifier.threads)
    with quiet_when_unread(), ProgressBar(hidden=quiet) as bar:
        summary = classify_file(
            source,
            output,
            classifier=classifier,
            units=units,
            columns=named_columns(id_column, lon, lat, velocity),
            keep_series=keep_series,
            overwrite=overwrite,
            priors=mix,
            memory_limit=limit,
            progress=bar,
        )
    if as_json:
        print_report({**summary.to_dict(), "peak_memory_mb": peak_memory_mb()}, "", as_json=True)
    if not quiet:
        say(describe_summary(summary))


def default_output(source: str) -> str:
    path = Path(source)
    if not path.name:
        raise UsageError(f"input {source!r} is no file; give one")
    return str(path.with_name(f"{path.stem}.classified.parquet"))
