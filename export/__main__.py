"""Command line of the export of models: ``python -m export --help``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from insar_runtime.errors import InputNotFoundError, InsarRuntimeError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "runtime" / "insar_runtime" / "models"

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - people read stderr


@app.command()
def package(
    folder: Annotated[Path, typer.Argument(help="Folder with a Keras file and its report.")] = (
        ROOT / "artifacts" / "trend-net"
    ),
    ship: Annotated[bool, typer.Option(help="Also copy the model into the run-time package.")] = False,
    int8: Annotated[bool, typer.Option(help="Also write an int8 file, which must agree with Keras.")] = True,
) -> None:
    """Convert a Keras file to ONNX, quantize it, compare both with Keras, and write model.json and model card."""
    from export.package import package as make

    make(folder, ship_to=SHIPPED if ship else None, int8=int8, announce=_say)


@app.command()
def vectors(
    folder: Annotated[Path, typer.Argument(help="Folder of a model with an int8 file.")] = (
        ROOT / "artifacts" / "trend-net"
    ),
    ship: Annotated[bool, typer.Option(help="Also put them into the run-time package.")] = False,
) -> None:
    """Choose the golden vectors by which int8 is proven where it runs; part of package, and for older folders."""
    from export.vectors import write_vectors

    card = write_vectors(folder, announce=_say)
    if ship:
        from export.ship import ship as copy

        copy(folder, card, SHIPPED, announce=_say)


@app.command("row-product")
def write_row_product() -> None:
    """Write the ONNX file by which the diagnosis multiplies series into the run-time package."""
    from export.row_product import IN_PACKAGE, row_product

    IN_PACKAGE.write_bytes(row_product().SerializeToString())
    _say(str(IN_PACKAGE))


@app.command()
def designs(
    out: Annotated[Path, typer.Option(help="Folder of the table.")] = ROOT / "artifacts" / "designs",
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files, for noise and tests.")] = None,
    chunks: Annotated[int, typer.Option(min=1, help="Length of each training, in chunks of 20480 series.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2026,
) -> None:
    """Train the designs of the default network for a short time, and compare their exported graphs."""
    from export.designs import compare_designs
    from training.real_files import real_bank
    from training.stream import StreamConfig
    from training.trend_fit import TrendFitConfig

    bank = real_bank(real, trained=True) if real else None
    compare_designs(TrendFitConfig(StreamConfig(seed, bank=bank), chunks), out, real=real, announce=_say)


@app.command()
def left_out(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    work: Annotated[Path, typer.Option(help="Folder of the trained folds, which later runs reuse.")],
    out: Annotated[Path, typer.Option(help="Folder of the record.")] = ROOT / "artifacts" / "readings",
    chunks: Annotated[int, typer.Option(min=1, help="Length of each first stage, in chunks of 20480 series.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers.")] = 2029,
) -> None:
    """Train networks without the noise and the labels of some files, and test them on these files."""
    from export.left_out import LeftOutConfig, leave_files_out
    from training.adaptation import AdaptationConfig
    from training.stream import StreamConfig
    from training.trend_fit import TrendFitConfig
    from training.trend_run import BANK_SHARE

    fit = TrendFitConfig(StreamConfig(seed, bank_share=BANK_SHARE), chunks)
    leave_files_out(LeftOutConfig(fit, AdaptationConfig()), real, out, work=work, announce=_say)


@app.command()
def left_out_files(
    real: Annotated[Path, typer.Option(help="Folder of the project's real files.")],
    work: Annotated[Path, typer.Option(help="Folder of the trained folds of left-out; missing ones are trained.")],
    out: Annotated[Path, typer.Option(help="File of probabilities.")] = ROOT / "artifacts" / "priors" / "left-out.npz",
    chunks: Annotated[int, typer.Option(min=1, help="Length of each first stage, as in left-out.")] = 60,
    seed: Annotated[int, typer.Option(help="Seed of all random numbers, as in left-out.")] = 2029,
) -> None:
    """Classify all rows of the real files, and known motions in their noise, by the networks of left-out."""
    from export.left_out import LeftOutConfig
    from export.left_out_files import classify_left_out_files
    from training.adaptation import AdaptationConfig
    from training.stream import StreamConfig
    from training.trend_fit import TrendFitConfig
    from training.trend_run import BANK_SHARE

    fit = TrendFitConfig(StreamConfig(seed, bank_share=BANK_SHARE), chunks)
    classify_left_out_files(LeftOutConfig(fit, AdaptationConfig()), real, out, work=work, announce=_say)


@app.command()
def everything(
    real: Annotated[Path | None, typer.Option(help="Folder of the project's real files, for their noise.")] = None,
) -> None:
    """Simulate, train, export and ship all models, and write the demo file."""
    noise = ["--real", str(real.resolve())] if real else []
    for arguments in (
        ["training", "simulate"],
        ["training", "fit", *noise],
        ["export", "package", "artifacts/trend-net", "--ship"],
        ["training", "fit-paper-cnn"],
        ["export", "package", "artifacts/paper-cnn", "--ship"],
        ["training", "demo"],
    ):
        _say("$ python -m " + " ".join(arguments))
        subprocess.run([sys.executable, "-m", *arguments], check=True, cwd=ROOT)


def main() -> None:
    """Run the command line in a process with ``PYTHONHASHSEED=0``, because tf2onnx iterates over sets."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-m", "export", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, env=environment, check=False).returncode)
    try:
        app()
    except InsarRuntimeError as error:
        _say(f"export: error: {error}")
        sys.exit(error.exit_code)
    except (FileNotFoundError, NotADirectoryError) as error:
        _say(f"export: error: {error.filename} is not there; give a folder that python -m training fit has made")
        sys.exit(InputNotFoundError.exit_code)


if __name__ == "__main__":
    main()
