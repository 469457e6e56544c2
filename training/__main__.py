"""Command line of the training side: ``python -m training --help``."""

from __future__ import annotations

import json
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
    """Draw a sheet of simulated series for every class, so that a person can look at them."""
    from training.simulator.figures import write_class_figures

    write_class_figures(out, seed)
    _say(f"figures in {out}")


@app.command()
def fit(
    out: Annotated[Path, typer.Option(help="Folder of the records; a folder of the model's name is made in it.")] = (
        ROOT / "artifacts"
    ),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "trend-net",
    version: Annotated[str | None, typer.Option(help="Version of the model; that of the design if not given.")] = None,
    noise_from: Annotated[
        list[Path] | None, typer.Option(help="Your own unlabelled files, whose noise is to be trained on; repeatable.")
    ] = None,
    units: Annotated[
        Literal["mm", "cm", "m", "rad"] | None, typer.Option(help="Unit of those files, where they prove none.")
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Folder of the project's real files, in place of files of your own.")
    ] = None,
    chunks: Annotated[int, typer.Option(min=1, help="Length of the training, in chunks of 20480 series.")] = 400,
    quick: Annotated[bool, typer.Option(help="A training of minutes, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 2026,
    work: Annotated[Path | None, typer.Option(help="Folder of the state; a run goes on from what it finds.")] = None,
) -> None:
    """Train the default network and write its record: Keras file, report, confusion matrix."""
    from training.readings.labels import load_read_files
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
    read_files = load_read_files(real) if real else ()
    config = TrendRunConfig(name, length, seed, bank, attribution, read_files=read_files, version=version or VERSION)
    run(config, out / name, work=work, announce=_say)


@app.command()
def fit_paper_cnn(
    out: Annotated[Path, typer.Option(help="Folder of the records; a folder of the model's name is made in it.")] = (
        ROOT / "artifacts"
    ),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "paper-cnn",
    data: Annotated[Path | None, typer.Option(help="Your own labelled file in place of the simulator.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of labels in that file.")] = None,
    units: Annotated[
        Literal["mm", "cm", "m", "rad"] | None, typer.Option(help="Unit of that file, where it proves none.")
    ] = None,
    samples: Annotated[int, typer.Option(min=500, help="Simulated series, all parts of the split together.")] = 240_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training series.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 2022,
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
def realism(
    real: Annotated[Path, typer.Argument(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder for figures and numbers.")] = ROOT / "artifacts" / "simulator",
    series: Annotated[int, typer.Option(min=50, help="Simulated series on the dates of each file.")] = 1500,
) -> None:
    """Draw quiet real series against simulated ones: spectrum, structure, steps, wander, yearly cycle."""
    from training.real_files import REAL_FILES, read_real
    from training.realism import simulated_still, still_series
    from training.realism_figures import write_realism_figures

    still = [still_series(file.name, *read_real(real, file)) for file in REAL_FILES]
    simulated = [simulated_still(one.days, series, seed=i) for i, one in enumerate(still)]
    numbers = write_realism_figures(still, simulated, out)
    (out / "realism.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    _say(f"figures in {out}")


@app.command()
def look(
    real: Annotated[Path, typer.Argument(help="Folder of the project's real files.")],
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="Folder of a model; repeatable, the first one is drawn.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "benchmark",
    sheets: Annotated[Path | None, typer.Option(help="Folder of contact sheets; none are drawn if not given.")] = None,
) -> None:
    """Classify the real files: shares of the classes, and sheets of what is called each class."""
    from training.real_look import look_at_real_files

    chosen = models or [ROOT / "artifacts" / name for name in ("trend-net", "trend-net-simulated", "paper-cnn")]
    look_at_real_files(real, chosen, out, sheets=sheets, announce=_say)


@app.command()
def rates(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "artifacts" / "diagnosis",
) -> None:
    """Compare the rates with those that EGMS wrote into its files."""
    from training.diagnosis.rates_proof import prove_rates

    prove_rates(real, out, announce=_say)


@app.command()
def diagnosis_sheets(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the sheets.")],
    seed: Annotated[int, typer.Option(help="Seed of the choice of rows.")] = 0,
) -> None:
    """Draw sheets of real rows with their breaks and jumps, so that a person can look at them."""
    from training.diagnosis.sheets import draw_diagnosis_sheets

    sheets = draw_diagnosis_sheets(real, out, seed=seed, announce=_say)
    _say(f"{len(sheets)} sheets in {out}")


@app.command()
def benchmark(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "benchmark",
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder of trained baselines; a run takes what it finds.")] = None,
    quick: Annotated[bool, typer.Option(help="Few series and small baselines, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 2027,
) -> None:
    """Compare the models with every baseline, on the same series, and write tables and figures."""
    from training.benchmark import run_benchmark

    run_benchmark(out, real=real, work=work, quick=quick, seed=seed, announce=_say)


@app.command()
def readings(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="Folder of a model; repeatable, those released if not given.")
    ] = None,
    answers: Annotated[
        list[Path] | None, typer.Option(help="CSV of a classifier's answers (artifacts/readings); repeatable.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Another table of readings, of files below --real.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "readings",
    work: Annotated[
        Path | None, typer.Option(help="Folder of the benchmark's trained baselines; without it they stay away.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Small baselines, to try things out.")] = False,
    save_answers: Annotated[
        Path | None, typer.Option(help="Folder for a CSV of answers of each contestant; none are written if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the benchmark.")] = 2027,
) -> None:
    """Score models, baselines and tables of answers on the rows that readers labelled from plots."""
    from training.readings.labels import READINGS_CSV
    from training.readings.run import run_readings

    released = [ROOT / "artifacts" / name for name in ("trend-net", "trend-net-simulated", "paper-cnn")]
    # Whoever asks about answers alone is not made to wait for models.
    chosen = models or ([] if answers else [folder for folder in released if folder.is_dir()])
    run_readings(
        out,
        real=real,
        models=chosen,
        answers=answers or [],
        labels=labels or READINGS_CSV,
        work=work,
        quick=quick,
        save_answers=save_answers,
        seed=seed,
        announce=_say,
    )
    _say(f"tables and figures in {out}")


@app.command()
def diagnosis(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "diagnosis",
    quick: Annotated[bool, typer.Option(help="Few series, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 2028,
) -> None:
    """Hold breaks, jumps, repairs and noise that are found against known ones, and write tables."""
    from training.diagnosis.run import FULL, QUICK, run

    numbers = run(out, real=real, sizes=QUICK if quick else FULL, seed=seed, announce=_say)
    met = sum(goal["met"] for goal in numbers["goals"])
    _say(f"{met} of {len(numbers['goals'])} goals met; tables in {out}")


@app.command()
def consistency(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a model; the default model if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "benchmark",
) -> None:
    """Count the rows of the real files whose class, rate, break and jumps contradict each other."""
    from training.consistency.run import run

    numbers = run(out, real=real, model=model, announce=_say)
    judged = [one["met"] for one in numbers["contradictions"] if one["met"] is not None]
    _say(f"{sum(judged)} of {len(judged)} wanted shares met; tables in {out}")


@app.command()
def jump_certainty(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "artifacts" / "diagnosis",
    quick: Annotated[bool, typer.Option(help="Few series, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 501,
) -> None:
    """Fit the probabilities of jumps to known ones, and print the weights that certainty.py is to hold."""
    from training.diagnosis.jump_certainty import QUICK, Sizes, run

    numbers = run(out, real=real, sizes=QUICK if quick else Sizes(), seed=seed, announce=_say)
    for name in ("jump_weights", "class_weights", "cycle_weights"):
        _say(f"{name.upper()}: Final = {json.dumps(numbers[name])}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the embedded file.")] = (
        ROOT / "runtime" / "insar_runtime" / "demo"
    ),
) -> None:
    """Make the file that ``insar-rt demo`` classifies."""
    from training.demo_file import write_demo

    _say(f"{write_demo(out)} written")


@app.command()
def events(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of figures and numbers.")] = ROOT / "artifacts" / "simulator",
    series: Annotated[int, typer.Option(min=60, help="Simulated series, as many of each class.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
) -> None:
    """Compare what happens in read rows with what the simulator makes: sizes, durations, sheets side by side."""
    from training.readings.event_report import compare_events
    from training.readings.labels import load_read_files

    compare_events(load_read_files(real), real, out, simulated=series, seed=seed)
    _say(f"figures in {out}")


def main() -> None:
    """Run the command line; errors of the package's family become one line and their exit code."""
    try:
        app()
    except InsarRuntimeError as error:
        _say(f"training: error: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
