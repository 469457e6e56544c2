"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from insar_runtime._commands.option_groups import CLASSES, DIAGNOSIS, MACHINE, MATCHING, MESSAGES, OUTPUT

if TYPE_CHECKING:
    from insar_runtime.classifier import Classifier

# Kept here rather than imported, so that --help needs neither numpy nor onnxruntime.
DeviceName = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
JumpRowsName = Literal["flagged", "all"]
MatchName = Literal["auto", "id", "position"]
PrecisionName = Literal["fp32", "int8"]
LogFormatName = Literal["text", "json"]


def _shipped_models() -> list[str]:
    """Return the names of the shipped models, for the completion of shells, which must be fast: without numpy."""
    return sorted(path.name for path in (Path(__file__).parents[1] / "models").iterdir() if path.is_dir())


InputArgument = Annotated[
    str,
    typer.Argument(
        metavar="INPUT", help="Parquet, CSV, GeoPackage, shapefile, EGMS zip or Arrow file; - reads an Arrow stream."
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Shipped model, or the folder of your own.",
        autocompletion=_shipped_models,
        rich_help_panel=MACHINE,
    ),
]
DeviceOption = Annotated[
    DeviceName,
    typer.Option(help="Where to run; all but auto fail if they cannot.", rich_help_panel=MACHINE),
]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="By default the faster one on this kind of CPU, fp32 elsewhere.", rich_help_panel=MACHINE),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Number of batches to work on at once; by default one for each usable CPU.",
        rich_help_panel=MACHINE,
    ),
]
StableRateOption = Annotated[
    float | None,
    typer.Option(
        "--stable-rate",
        metavar="MM/YR",
        help="Rate below which a point is Stable, and from which on it is Linear; by default the model's (2 mm/yr).",
        rich_help_panel=CLASSES,
    ),
]
PriorsOption = Annotated[
    str | None,
    typer.Option(
        metavar="SHARES",
        help="How common each class is, auto or trained; see insar-rt classify --help.",
        rich_help_panel=CLASSES,
    ),
]
JumpRowsOption = Annotated[
    JumpRowsName | None,
    typer.Option(
        help="Search for jumps: points that look like class PUE (flagged, the default), or all.",
        rich_help_panel=DIAGNOSIS,
    ),
]
RepairDampedOption = Annotated[
    bool,
    typer.Option("--repair-damped", help="Also repair jumps that are not whole cycles.", rich_help_panel=DIAGNOSIS),
]
RecentDaysOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="DAYS",
        help="Length of the window at the end of the series whose rate is compared with that before; by default 180.",
        rich_help_panel=DIAGNOSIS,
    ),
]
MatchOption = Annotated[
    MatchName,
    typer.Option(
        help="By ids and, of points without an equal one, by position (auto); or by one.", rich_help_panel=MATCHING
    ),
]
WithinOption = Annotated[
    float | None,
    typer.Option(
        metavar="METRES",
        help="Greatest distance of the two positions of a point; by default half the spacing of points, 5 to 50 m.",
        rich_help_panel=MATCHING,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the facts as JSON on standard output.", rich_help_panel=MESSAGES)
]
LogFormatOption = Annotated[
    LogFormatName, typer.Option(help="Format of the messages on standard error.", rich_help_panel=MESSAGES)
]
LogEveryOption = Annotated[
    float,
    typer.Option(
        min=0, metavar="S", help="Seconds between two messages of progress in JSON.", rich_help_panel=MESSAGES
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel=MESSAGES)]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output that exists.", rich_help_panel=OUTPUT)
]


def open_classifier(
    model: str | None,
    device: DeviceName,
    precision: PrecisionName | None,
    threads: int | None,
    abstain_below: float | None,
    stable_rate: float | None = None,
) -> Classifier:
    from insar_runtime.classifier import Classifier

    return Classifier(
        model,
        device=device,
        precision=precision,
        threads=threads,
        abstain_below=abstain_below,
        stable_rate=stable_rate,
    )


def opened_later(
    model: str | None,
    device: DeviceName,
    precision: PrecisionName | None,
    threads: int | None,
    stable_rate: float | None,
) -> Callable[[], Classifier]:
    """Return what opens the classifier, for commands that need one only if their table is not classified."""

    def opened() -> Classifier:
        import pyarrow as pa

        classifier = open_classifier(model, device, precision, threads, None, stable_rate)
        # Arrow's own threads are as many as the machine's processors, whatever was asked for.
        pa.set_cpu_count(classifier.threads)
        return classifier

    return opened
