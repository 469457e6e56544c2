"""Command line of the training of networks: ``python -m training --help``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from insar_runtime.errors import InsarRuntimeError, UsageError

# TensorFlow reads these when it is imported, which happens inside the commands.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

ROOT = Path(__file__).resolve().parent.parent


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = ROOT / "artifacts" / "simulator",
    seed: Annotated[int, typer.Option(help="Seed of the series shown.")] = 0,
) -> None:
    """Plot a sheet of simulated series for each class, for visual inspection."""
    from training.simulator.figures import write_class_figures

    write_class_figures(out, seed)
    _say(f"figures in {out}")


@app.command()
def fit(
    out: Annotated[Path, typer.Option(help="Folder of the records; the record is a folder with the model's name.")] = (
        ROOT / "artifacts"
    ),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "trend-net",
    version: Annotated[str | None, typer.Option(help="Version of the model; by default that of the design.")] = None,
    noise_from: Annotated[
        list[Path] | None, typer.Option(help="Your own unlabelled files, whose noise is used in training; repeatable.")
    ] = None,
    units: Annotated[
        Literal["mm", "cm", "m", "rad"] | None, typer.Option(help="Unit of those files, if they do not prove it.")
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Folder of the project's real files, instead of files of your own.")
    ] = None,
    chunks: Annotated[int, typer.Option(min=1, help="Length of the training, in chunks of 20480 series.")] = 400,
    quick: Annotated[bool, typer.Option(help="Train for a few minutes only, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2026,
    work: Annotated[Path | None, typer.Option(help="Folder of the training state; a run continues from it.")] = None,
) -> None:
    """Train the default network and write its record: Keras file, report, confusion matrix."""
    from training.labelled_rows.labels import load_labelled_files
    from training.real_files import ALL_ATTRIBUTIONS, bank_of, noise_bank

    if noise_from and real:
        raise UsageError(f"both --noise-from {noise_from[0]} and --real {real} are given; give one of them")
    bank = bank_of(noise_from, units=units, announce=_say) if noise_from else noise_bank(real) if real else None
    for file in bank.files if bank else ():
        _say(f"{file.name}: noise of {len(file.residual)} quiet rows, {len(file.days)} epochs")
    # TensorFlow takes seconds to import, and is not needed to refuse a file.
    from training.trend_run import QUICK_CHUNKS, VERSION, TrendRunConfig, run

    attribution = ALL_ATTRIBUTIONS if real else ()
    length = QUICK_CHUNKS if quick else chunks
    labelled_files = load_labelled_files(real) if real else ()
    config = TrendRunConfig(
        name, length, seed, bank, attribution, labelled_files=labelled_files, version=version or VERSION
    )
    run(config, out / name, work=work, announce=_say)


@app.command()
def fit_paper_cnn(
    out: Annotated[Path, typer.Option(help="Folder of the records; the record is a folder with the model's name.")] = (
        ROOT / "artifacts"
    ),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "paper-cnn",
    data: Annotated[Path | None, typer.Option(help="Your own labelled file, instead of simulated series.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of labels in that file.")] = None,
    units: Annotated[
        Literal["mm", "cm", "m", "rad"] | None, typer.Option(help="Unit of that file, if it does not prove it.")
    ] = None,
    samples: Annotated[int, typer.Option(min=500, help="Number of simulated series.")] = 240_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training series.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2022,
    paper_copy: Annotated[bool, typer.Option(help="Also train a copy on 5000 series, as in the paper.")] = True,
) -> None:
    """Train the seed paper's network and write its record: Keras file, report, confusion matrix."""
    from training import dataset
    from training.fit import FitConfig
    from training.paper_run import RunConfig, run

    own = None
    if data is not None:
        own = dataset.read_labelled(data, label_column=label_column, units=units)
        _say(f"{data}: {len(own)} labelled series of {own.displacement.shape[1]} epochs, {own.dropped} unusable")
        paper_copy = False
    config = RunConfig(name, samples, seed, FitConfig(epochs=epochs), paper_copy)
    run(config, out / name, data=own, announce=_say)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the embedded file.")] = (
        ROOT / "runtime" / "insar_runtime" / "demo"
    ),
) -> None:
    """Write the file that ``insar-rt demo`` classifies."""
    from training.demo_file import write_demo

    _say(f"{write_demo(out)} written")


def main() -> None:
    """Run the command line; print an error of the package as one line and exit with its code."""
    try:
        app()
    except InsarRuntimeError as error:
        _say(f"training: error: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
