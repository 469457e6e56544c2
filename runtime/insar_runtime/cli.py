"""Command line: ``insar-rt --help``.

Standard output carries data, or the one report that was asked for; progress and words about a run go to
standard error. Everything heavy is imported inside the commands.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from insar_runtime import __version__
from insar_runtime._progress import ProgressBar
from insar_runtime.errors import InputOutputError, InsarRuntimeError, UsageError

if TYPE_CHECKING:
    from insar_runtime._layout import Role
    from insar_runtime.classifier import Classifier

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

# Kept here rather than imported, so that --help needs neither numpy nor onnxruntime.
DeviceName = Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"]
PrecisionName = Literal["fp32", "int8"]
UnitName = Literal["mm", "cm", "m", "rad"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Classify InSAR displacement time series: Stable, Linear, Quadratic, Bilinear or PUE.",
)

InputArgument = Annotated[
    str,
    typer.Argument(metavar="INPUT", help="Parquet, CSV, EGMS zip or Arrow file; - reads an Arrow stream."),
]
ModelOption = Annotated[str | None, typer.Option(help="Shipped model, or the folder of your own.")]
DeviceOption = Annotated[DeviceName, typer.Option(help="Where to run; all but auto fail if they cannot.")]
PrecisionOption = Annotated[
    PrecisionName | None,
    typer.Option(help="By default the faster one on this kind of CPU, fp32 elsewhere.", show_default=False),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Batches that are worked on at once, by default one per usable CPU.",
        show_default=False,
    ),
]
UnitsOption = Annotated[
    UnitName | None,
    typer.Option(help="Unit of the series, where the file does not prove it.", show_default=False),
]
IdOption = Annotated[str | None, typer.Option("--id", help="Column of point ids.", show_default=False)]
LonOption = Annotated[str | None, typer.Option("--lon", help="Column of longitudes.", show_default=False)]
LatOption = Annotated[str | None, typer.Option("--lat", help="Column of latitudes.", show_default=False)]
VelocityOption = Annotated[
    str | None, typer.Option("--velocity", help="Column of velocities in mm/yr.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]


@app.command()
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Classify every point of a file; rows and their order stay."""
    import pyarrow as pa

    from insar_runtime._memory import parse_size, peak_memory_mb
    from insar_runtime._priors import parse_priors
    from insar_runtime._texts import describe_summary
    from insar_runtime.files import classify_file

    if output == "":
        raise UsageError("the output has no name; give -o a file, or leave it away")
    if output is None:
        output = "-" if source == "-" else _default_output(source)
    if as_json and output == "-":
        raise UsageError("--json and -o - both want standard output; give -o a file")
    mix = None if priors is None else parse_priors(priors)
    limit = None if memory_limit is None else parse_size(memory_limit)
    classifier = _open_classifier(model, device, precision, threads, abstain_below)
    # Arrow's own threads are as many as the machine's processors, whatever was asked for.
    pa.set_cpu_count(classifier.threads)
    with _quiet_when_unread(), ProgressBar(hidden=quiet) as bar:
        summary = classify_file(
            source,
            output,
            classifier=classifier,
            units=units,
            columns=_columns(id_column, lon, lat, velocity),
            keep_series=keep_series,
            overwrite=overwrite,
            priors=mix,
            memory_limit=limit,
            progress=bar,
        )
    if as_json:
        _report({**summary.to_dict(), "peak_memory_mb": peak_memory_mb()}, "", as_json=True)
    if not quiet:
        _say(describe_summary(summary))


@app.command()
def inspect(
    source: InputArgument,
    model: ModelOption = None,
    units: UnitsOption = None,
    id_column: IdOption = None,
    lon: LonOption = None,
    lat: LatOption = None,
    velocity: VelocityOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was understood of a file, without classifying it."""
    from insar_runtime._inspect import describe_source
    from insar_runtime._texts import describe_mapping
    from insar_runtime.files import open_understood
    from insar_runtime.models import load_model

    chosen = load_model(model)
    columns = _columns(id_column, lon, lat, velocity)
    half_wavelength_mm = chosen.half_wavelength_mm
    with open_understood(source, units=units, columns=columns, half_wavelength_mm=half_wavelength_mm) as table:
        facts = describe_source(table.source, table.understanding, chosen.limits)
    _report(facts, describe_mapping(facts), as_json=as_json)


@app.command()
def demo(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Keep the classified file here.", show_default=False)
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Classify the embedded EGMS-like file and compare with its known truth."""
    from insar_runtime._demo import run_demo
    from insar_runtime._texts import describe_demo, describe_summary

    with tempfile.TemporaryDirectory() as folder:
        outcome = run_demo(
            output or Path(folder) / "demo.parquet",
            classifier=_open_classifier(None, device, precision, None, None),
            overwrite=overwrite,
        )
    table = describe_demo(outcome.table, outcome.accuracy, outcome.answered, outcome.summary.rows)
    facts = {"summary": outcome.summary.to_dict(), "table": outcome.table, "accuracy": outcome.accuracy}
    _report(facts, f"{describe_summary(outcome.summary)}\n\n{table}", as_json=as_json)


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the shipped models."""
    from insar_runtime._texts import describe_mapping
    from insar_runtime.models import DEFAULT_MODEL, list_models, load_model

    facts = {
        name: {
            "version": model.version,
            "default": name == DEFAULT_MODEL,
            "classes": list(model.card["classes"]),
            "epochs": f"{model.limits.min_epochs} to {model.limits.max_epochs}",
            "longest gap in days": model.limits.max_gap_days,
            "abstains below": model.abstain_below,
            "files": {
                key: f"{file['bytes']} bytes, SHA-256 {file['sha256']}" for key, file in model.card["files"].items()
            },
            "metrics": model.card["metrics"],
        }
        for name in list_models()
        for model in [load_model(name)]
    }
    _report(facts, describe_mapping(facts), as_json=as_json)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check the installation: versions, devices, models."""
    from insar_runtime._doctor import examine
    from insar_runtime._texts import describe_mapping

    facts, trouble = examine()
    _report(facts, describe_mapping(facts), as_json=as_json)
    if trouble:
        raise trouble


@app.command()
def bench(
    model: ModelOption = None,
    device: DeviceOption = "auto",
    seconds: Annotated[float, typer.Option(min=1, help="About how long it may take.")] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Measure what this device does: the model alone, and a whole file."""
    from insar_runtime._bench import measure_device
    from insar_runtime._texts import describe_paces

    facts = measure_device(model, device, seconds)
    _report(facts, describe_paces(facts), as_json=as_json)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"insar-rt {__version__}")
        raise typer.Exit


class _WithoutPandas(MetaPathFinder):
    """Tells this process, which is ours, that there is no pandas.

    pyarrow imports it at its first conversion, where it is installed: up to a second for nothing.
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuse pandas, and leave all else to others."""
        del path, target
        if fullname == "pandas":
            raise ModuleNotFoundError("insar-rt needs no pandas", name=fullname)


def main() -> None:
    """Run the command line; errors become one line and an exit code."""
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # nohup asks that a hang-up be ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    sys.meta_path.insert(0, _WithoutPandas())
    if sys.stderr is None:  # closed, as under some daemons
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end of the process
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except InsarRuntimeError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        _forget_output()
        _fail(f"writing to standard output failed ({error.strerror or error})", InputOutputError.exit_code)
    except Exception as error:
        # What typer raises for a wrong option has a message of its own; all else is a defect and stays a traceback.
        if not hasattr(error, "format_message"):
            raise
        _fail(f"{error.format_message()} See insar-rt --help.", UsageError.exit_code)
    sys.exit(code)


def _fail(text: str, code: int) -> NoReturn:
    _say("insar-rt: error: " + " ".join(text.split()))
    sys.exit(code)


def _forget_output() -> None:
    """Keep Python from complaining once more when it flushes standard output at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """End on a signal by way of every ``finally``, so that no partial output stays."""
    del frame
    # A second one must not cut the tidying short.
    for name in _SIGNALS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.exit(128 + number)


def _open_classifier(
    model: str | None,
    device: DeviceName,
    precision: PrecisionName | None,
    threads: int | None,
    abstain_below: float | None,
) -> Classifier:
    from insar_runtime.classifier import Classifier

    return Classifier(model, device=device, precision=precision, threads=threads, abstain_below=abstain_below)


def _columns(id_column: str | None, lon: str | None, lat: str | None, velocity: str | None) -> dict[Role, str]:
    given: dict[Role, str | None] = {"id": id_column, "longitude": lon, "latitude": lat, "velocity": velocity}
    return {role: name for role, name in given.items() if name is not None}


def _default_output(source: str) -> str:
    path = Path(source)
    if not path.name:
        raise UsageError(f"input {source!r} is no file; give one")
    return str(path.with_name(f"{path.stem}.classified.parquet"))


def _report(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    with _quiet_when_unread():
        typer.echo(json.dumps(facts) if as_json else text)
        if sys.stdout is not None:
            sys.stdout.flush()


@contextmanager
def _quiet_when_unread() -> Iterator[None]:
    """End well when whoever reads our output has enough. Must be inside a command: typer takes it for a failure."""
    try:
        yield
    except BrokenPipeError:
        _forget_output()
        raise typer.Exit from None


def _say(text: str) -> None:
    with suppress(OSError):  # nobody to tell
        typer.echo(text, err=True)
