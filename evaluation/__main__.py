"""Command line of the evaluation of models and of the diagnosis: ``python -m evaluation --help``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime.errors import InsarRuntimeError

# TensorFlow reads these when it is imported, which happens inside the commands.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

places = typer.Typer(no_args_is_help=True, help="Scenes of points with known areas, movers and errors.")
app.add_typer(places, name="places")

ROOT = Path(__file__).resolve().parent.parent
MODELS = tuple(ROOT / "artifacts" / name for name in ("trend-net", "ablations/trend-net-simulated", "paper-cnn"))
"""Records of the default network, of the same network trained on simulated noise only, and of the seed paper's."""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr


@app.command()
def benchmark(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "benchmark",
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder of trained baselines, which later runs reuse.")] = None,
    quick: Annotated[bool, typer.Option(help="Few series and small baselines, to try the command out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2027,
) -> None:
    """Compare the models with every baseline, on the same series, and write tables and figures."""
    from evaluation.benchmark import run_benchmark

    run_benchmark(out, real=real, work=work, quick=quick, seed=seed, announce=_say)


@app.command()
def readings(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="Folder of a model; repeatable; by default the released ones.")
    ] = None,
    answers: Annotated[
        list[Path] | None, typer.Option(help="CSV with the results of a classifier (artifacts/readings); repeatable.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Another table of labels, for files below --real.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "readings",
    work: Annotated[
        Path | None, typer.Option(help="Folder of the benchmark's trained baselines; without it, none.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Small baselines, to try the command out.")] = False,
    save_answers: Annotated[
        Path | None, typer.Option(help="Folder for a CSV with the results of each classifier; by default none.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the benchmark.")] = 2027,
) -> None:
    """Score models, baselines and tables of results on the rows that readers labelled from plots."""
    from evaluation.readings.run import run_readings
    from training.labelled_rows.labels import READINGS_CSV

    # If only tables of results are given, the released models are left out.
    chosen = models or ([] if answers else [folder for folder in MODELS if folder.is_dir()])
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
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2028,
) -> None:
    """Compare estimated breaks, jumps, repairs and noise with known ones, and write tables."""
    from evaluation.diagnosis.run import FULL, QUICK, run

    numbers = run(out, real=real, sizes=QUICK if quick else FULL, seed=seed, announce=_say)
    met = sum(goal["met"] for goal in numbers["goals"])
    _say(f"{met} of {len(numbers['goals'])} goals met; tables in {out}")


@app.command()
def recent(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "recent",
    quick: Annotated[bool, typer.Option(help="Few series, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2031,
) -> None:
    """Measure recent changes of rate: calibration, power, and the published rule on the same series."""
    from evaluation.recent.run import FULL, QUICK, run

    run(out, real=real, sizes=QUICK if quick else FULL, seed=seed, announce=_say)
    _say(f"tables in {out}")


@app.command()
def rates(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "artifacts" / "diagnosis",
) -> None:
    """Compare estimated rates with those in files of EGMS."""
    from evaluation.diagnosis.rates_proof import prove_rates

    prove_rates(real, out, announce=_say)


@app.command()
def consistency(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a model; the default model if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "benchmark",
) -> None:
    """Count the rows of the real files whose class, rate, break and jumps contradict each other."""
    from evaluation.consistency.run import run

    numbers = run(out, real=real, model=model, announce=_say)
    judged = [one["met"] for one in numbers["contradictions"] if one["met"] is not None]
    _say(f"{sum(judged)} of {len(judged)} goals met; tables in {out}")


@app.command()
def look(
    real: Annotated[Path, typer.Argument(help="Folder of the project's real files.")],
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="Folder of a model; repeatable; sheets show the first.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "benchmark",
    sheets: Annotated[Path | None, typer.Option(help="Folder for sheets of plots; by default none.")] = None,
) -> None:
    """Classify the real files, and write class shares and sheets of plots for each class."""
    from evaluation.class_shares import look_at_real_files

    look_at_real_files(real, models or MODELS, out, sheets=sheets, announce=_say)


@app.command()
def realism(
    real: Annotated[Path, typer.Argument(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder for figures and numbers.")] = ROOT / "artifacts" / "simulator",
    series: Annotated[int, typer.Option(min=50, help="Simulated series on the dates of each file.")] = 1500,
) -> None:
    """Compare quiet real series with simulated ones: spectrum, structure, steps, slow noise, annual cycle."""
    from evaluation.realism.noise import simulated_still, still_series
    from evaluation.realism.noise_figures import write_realism_figures
    from training.real_files import REAL_FILES, read_real

    still = [still_series(file.name, *read_real(real, file)) for file in REAL_FILES]
    simulated = [simulated_still(one.days, series, seed=i) for i, one in enumerate(still)]
    numbers = write_realism_figures(still, simulated, out)
    (out / "realism.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    _say(f"figures in {out}")


@app.command()
def events(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of figures and numbers.")] = ROOT / "artifacts" / "simulator",
    series: Annotated[int, typer.Option(min=60, help="Number of simulated series, equally many of each class.")] = 3000,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 0,
) -> None:
    """Compare events in labelled real rows with simulated ones: sizes, durations, sheets of plots."""
    from evaluation.realism.event_report import compare_events
    from training.labelled_rows.labels import load_labelled_files

    compare_events(load_labelled_files(real), real, out, simulated=series, seed=seed)
    _say(f"figures in {out}")


@app.command()
def diagnosis_sheets(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the sheets.")],
    seed: Annotated[int, typer.Option(help="Seed of the choice of rows.")] = 0,
) -> None:
    """Plot sheets of real rows with their breaks and jumps, for visual inspection."""
    from evaluation.diagnosis.sheets import draw_diagnosis_sheets

    sheets = draw_diagnosis_sheets(real, out, seed=seed, announce=_say)
    _say(f"{len(sheets)} sheets in {out}")


@app.command()
def jump_certainty(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "artifacts" / "diagnosis",
    quick: Annotated[bool, typer.Option(help="Few series, to try things out.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 501,
) -> None:
    """Fit the probabilities of jumps to known jumps, and print the weights for ``jump_probability.py``."""
    from evaluation.diagnosis.jump_certainty import QUICK, Sizes, run

    numbers = run(out, real=real, sizes=QUICK if quick else Sizes(), seed=seed, announce=_say)
    for name in ("jump_weights", "class_weights", "cycle_weights"):
        _say(f"{name.upper()}: Final = {json.dumps(numbers[name])}")


@app.command()
def priors(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    answers: Annotated[Path, typer.Option(help="Probabilities by python -m export left-out-files.")] = ROOT
    / "artifacts"
    / "priors"
    / "left-out.npz",
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "priors",
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2030,
) -> None:
    """Compare rules for the mix of classes by their false alarms and missed movers."""
    from evaluation.priors.run import run

    run(out, real=real, answers=answers, seed=seed, announce=_say)
    _say(f"tables in {out}")


@places.command("areas")
def places_areas(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = ROOT / "artifacts" / "places",
    quick: Annotated[bool, typer.Option(help="Small scenes, to try the command out.")] = False,
) -> None:
    """Compare the areas of simulated scenes with the true ones, and measure time and memory."""
    from evaluation.places.areas import QUICK, Sizes, run_areas

    run_areas(out, sizes=QUICK if quick else Sizes(), announce=_say)
    _say(f"tables in {out}")


@places.command("local")
def places_local(
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files.")] = None,
    answers: Annotated[Path, typer.Option(help="Probabilities by python -m export left-out-files.")] = ROOT
    / "artifacts"
    / "priors"
    / "left-out.npz",
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "places",
    only: Annotated[
        list[str] | None, typer.Option(help="Part of the record to measure again; repeatable; by default all.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Few points, to try the command out.")] = False,
) -> None:
    """Measure what local priors and the kinds of jumps get right, on scenes, real noise and read rows."""
    from evaluation.places.local_run import FULL, PARTS, QUICK, run_local

    sizes = QUICK if quick else FULL
    run_local(out, real=real, answers=answers, sizes=sizes, only=only or PARTS, announce=_say)
    _say(f"tables in {out}")


releases = typer.Typer(no_args_is_help=True, help="Evaluate the comparison of two releases of one place.")
app.add_typer(releases, name="releases")


@releases.command()
def churn(
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "releases",
    points: Annotated[int, typer.Option(min=100, help="Points of each simulated file.")] = 6000,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2031,
) -> None:
    """Measure how much releases of points differ whose motion does not change, and which true changes are found."""
    from evaluation.releases.churn import measure_churn

    measure_churn(out, real=real, count=points, seed=seed, announce=_say)
    _say(f"tables in {out}")


@releases.command()
def join(
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = ROOT / "artifacts" / "releases",
    points: Annotated[int, typer.Option(min=100, help="Points of the simulated file.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2031,
) -> None:
    """Cut files in two overlapping releases, join them, and compare series and classes with those of the files."""
    from evaluation.releases.joins import prove_joins

    prove_joins(out, real=real, count=points, seed=seed, announce=_say)
    _say(f"tables in {out}")


def main() -> None:
    """Run the command line; print an error of the package as one line and exit with its code."""
    try:
        app()
    except InsarRuntimeError as error:
        _say(f"evaluation: error: {error}")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
